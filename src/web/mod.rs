//! Pages for people: the home page, Swagger UI and the list of errors; and the OpenAPI document to which they all point.
//!
//! They need no network access beyond this server: each page is complete, or loads its parts from here, and its
//! `Content-Security-Policy` allows nothing else.

mod errors;
mod frame;
mod home;
mod served;
mod swagger;

use std::sync::LazyLock;

use poem::Request;
use poem_openapi::OpenApi;
use poem_openapi::param::Path;

use self::served::{Asset, Served};
use crate::api::health::readiness;
use crate::app::SharedApp;
use crate::document;
use crate::problem::Problem;
use crate::problem::code::Code;

/// The colours of all pages, light and dark.
pub const THEME: &str = include_str!("theme.css");

pub(crate) struct PagesApi {
    pub(crate) app: SharedApp,
}

#[OpenApi]
impl PagesApi {
    /// What runs here, its state, and where to go next.
    #[oai(path = "/", method = "get")]
    async fn home(&self) -> Served {
        Served::now(home::page(readiness(&self.app).await))
    }

    /// Swagger UI.
    #[oai(path = "/docs", method = "get")]
    async fn docs(&self, request: &Request) -> Served {
        Served::asset(&swagger::PAGE, request.headers()).await
    }

    /// What Swagger UI loads.
    #[oai(path = "/docs/:file", method = "get")]
    async fn docs_file(&self, request: &Request, file: Path<String>) -> poem::Result<Served> {
        let asset = swagger::asset(&file.0).ok_or_else(|| Problem::plain(Code::NotFound))?;
        Ok(Served::asset(asset, request.headers()).await)
    }

    /// What each problem's `type` points to.
    #[oai(path = "/errors", method = "get")]
    async fn errors(&self, request: &Request) -> Served {
        static PAGE: LazyLock<Asset> = LazyLock::new(|| Asset::page(errors::page()));
        Served::asset(&PAGE, request.headers()).await
    }

    /// The OpenAPI document.
    #[oai(path = "/openapi.json", method = "get")]
    async fn openapi(&self, request: &Request) -> Served {
        static DOCUMENT: LazyLock<Asset> = LazyLock::new(|| Asset::new("application/json", document::spec()));
        Served::asset(&DOCUMENT, request.headers()).await
    }
}
