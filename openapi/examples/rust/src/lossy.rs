//! A connection that breaks at the worst moment.

use anyhow::Result;
use tokio::io::{AsyncReadExt, copy_bidirectional, split};
use tokio::net::{TcpListener, TcpStream};

/// Starts a proxy before the server at `address` that loses its first answer: when the server has said something to the first
/// connection, both sides are closed before anything of it is passed on. Later connections are left alone. Answers its URL.
pub async fn losing_first_answer(address: String) -> Result<String> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    tokio::spawn(async move {
        let (client, _) = listener.accept().await?;
        lose_answer(client, TcpStream::connect(&address).await?).await?;
        loop {
            let (mut client, _) = listener.accept().await?;
            let mut server = TcpStream::connect(&address).await?;
            tokio::spawn(async move { copy_bidirectional(&mut client, &mut server).await });
        }
        #[expect(unreachable_code, reason = "it names the type of the errors above")]
        Ok::<(), std::io::Error>(())
    });
    Ok(url)
}

async fn lose_answer(client: TcpStream, server: TcpStream) -> std::io::Result<()> {
    let (mut asked, _unanswered) = split(client);
    let (mut answers, mut asks) = split(server);
    let mut first_byte = [0];
    tokio::select! {
        answered = answers.read(&mut first_byte) => answered.map(drop),
        asked = tokio::io::copy(&mut asked, &mut asks) => asked.map(drop),
    }
}
