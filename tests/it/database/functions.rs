//! Each stored function is defined in the file of its name, with the same safeguards as all others.

use pretty_assertions::assert_eq;

use crate::drift::in_project;
use crate::harness::{TestDatabase, skip};

/// A file of `sql/`.
pub struct SqlFile {
    /// Its name without `.sql`.
    pub name: String,
    /// Its text.
    pub text: String,
}

/// The files of a folder below `sql/` and of its subfolders, by name.
pub fn sql_files(folder: &str) -> Vec<SqlFile> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(in_project("sql").join(folder)).expect("the folder") {
        let file = entry.expect("an entry").path();
        if file.is_dir() {
            files.extend(sql_files(&format!("{folder}/{}", file.file_name().expect("a name").to_string_lossy())));
        } else if let Some(name) = file.file_name().and_then(|name| name.to_str()?.strip_suffix(".sql")) {
            files.push(SqlFile { name: name.to_owned(), text: std::fs::read_to_string(&file).expect("a text") });
        }
    }
    files.sort_by(|a, b| a.name.cmp(&b.name));
    files
}

#[test]
fn every_file_defines_the_function_of_its_name_and_nothing_else() {
    for SqlFile { name, text, .. } in sql_files("functions") {
        for statement in ["create or replace function", "comment on function"] {
            let targets: Vec<_> = text.split(&format!("{statement} ")).skip(1).collect();
            assert_eq!(targets.len(), 1, "{name}: one `{statement}`");
            assert!(targets[0].starts_with(&format!("rowlock.{name}(")), "{name}: {statement} of another function");
        }
        assert_eq!(changes(&text).len(), 1, "{name}: it makes or changes more than its function: {:?}", changes(&text));
        assert!(text.starts_with("-- "), "{name}: its first lines say what it is for");
        assert!(name.starts_with('_') || text.contains("\n-- Locks:"), "{name}: its first lines name its locks");
    }
}

/// The lines that create, change or drop something.
fn changes(text: &str) -> Vec<&str> {
    text.lines().filter(|line| ["create ", "drop ", "alter ", "revoke ", "do "].iter().any(|verb| line.starts_with(verb))).collect()
}

/// A function as the catalogue has it.
struct Known {
    name: String,
    definer: bool,
    search_path: Option<String>,
    owner: String,
    callers: Vec<String>,
}

async fn known_functions() -> Vec<Known> {
    let sql = "
        select p.proname::text, p.prosecdef, (select c from unnest(p.proconfig) c where c like 'search_path=%'), p.proowner::regrole::text,
            array(select case a.grantee when 0 then 'public' else a.grantee::regrole::text end
                  from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner order by 1)
        from pg_proc p where p.pronamespace = 'rowlock'::regnamespace order by p.proname collate \"C\"";
    let rows = TestDatabase::cloned().await.connect().await.query(sql, &[]).await.expect("an answer");
    let known = |row: &tokio_postgres::Row| Known {
        name: row.get(0),
        definer: row.get(1),
        search_path: row.get(2),
        owner: row.get(3),
        callers: row.get(4),
    };
    rows.iter().map(known).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_comes_from_a_file() {
    let known: Vec<String> = known_functions().await.into_iter().map(|function| function.name).collect();
    let files: Vec<String> = sql_files("functions").into_iter().map(|file| file.name).collect();
    assert_eq!(known, files);
}

/// The migrations say once that nobody but the owner may call a new function; no file has to.
#[tokio::test(flavor = "multi_thread")]
async fn everybody_may_execute_nothing() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    db.batch_execute(
        "set role rowlock_owner;
         create function rowlock.later() returns integer language sql as 'select 1';
         create function admin.later() returns integer language sql as 'select 1';
         reset role",
    )
    .await
    .expect("two new functions");
    let sql = "select p.oid::regprocedure::text from pg_proc p
               where p.pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace) and has_function_privilege('public', p.oid, 'execute')";
    let open: Vec<String> = db.query(sql, &[]).await.expect("an answer").iter().map(|row| row.get(0)).collect();
    assert_eq!(open, Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread")]
async fn public_functions_run_as_their_owner_with_a_pinned_search_path_and_helpers_are_private() {
    for function in known_functions().await {
        let Known { name, definer, search_path, owner, callers } = function;
        assert_eq!(owner, "rowlock_owner", "{name}");
        if name.starts_with('_') {
            assert!(!definer, "{name}: a helper runs with its caller's rights");
            assert_eq!(callers, Vec::<String>::new(), "{name}: nobody calls a helper");
            continue;
        }
        assert!(definer, "{name}: it needs its owner's rights");
        // A caller's temporary objects must come last, or they could replace ours.
        assert_eq!(search_path.as_deref(), Some("search_path=pg_catalog, rowlock, pg_temp"), "{name}");
        assert!(!callers.is_empty(), "{name}: nobody may call it");
        let strangers: Vec<_> = callers.iter().filter(|caller| !["rowlock_app", "rowlock_admin"].contains(&caller.as_str())).collect();
        assert!(strangers.is_empty(), "{name}: {strangers:?} may call it");
    }
}

#[test]
fn every_file_of_admin_makes_the_view_or_function_of_its_name_and_nothing_else() {
    for SqlFile { name, text, .. } in sql_files("admin") {
        let statements = changes(&text);
        assert_eq!(statements.len(), 1, "{name}: {statements:?}");
        let is_function = statements[0].starts_with(&format!("create or replace function admin.{name}("));
        assert!(is_function || statements[0].starts_with(&format!("create or replace view admin.{name} ")), "{name}: {}", statements[0]);
        assert!(text.starts_with("-- "), "{name}: its first lines say what it is for");
        if is_function {
            assert!(
                text.contains("\n-- Locks: ") && (text.contains("\n-- Errors: RL") || text.contains("\n-- Errors: none.")),
                "{name}: its first lines name its locks and errors"
            );
            assert!(
                text.contains("\nsecurity definer\nset search_path = pg_catalog, rowlock, pg_temp\n"),
                "{name}: it needs its owner's rights"
            );
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn plpgsql_check_finds_nothing_wrong() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    if let Err(error) = db.batch_execute("create extension plpgsql_check").await {
        return skip("plpgsql_check", &format!("plpgsql_check is not there ({error})"));
    }
    let sql = "
        select p.proname::text, c.lineno, c.level, c.message
        from pg_proc p
        join pg_language l on l.oid = p.prolang and l.lanname = 'plpgsql'
        cross join lateral plpgsql_check_function_tb(p.oid::regprocedure, fatal_errors := false, performance_warnings := false) c
        where p.pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)";
    let rows = db.query(sql, &[]).await.expect("an answer");
    let found: Vec<_> = rows
        .iter()
        .map(|row| {
            format!(
                "{} line {:?}: {} {}",
                row.get::<_, &str>(0),
                row.get::<_, Option<i32>>(1),
                row.get::<_, &str>(2),
                row.get::<_, &str>(3)
            )
        })
        .collect();
    assert_eq!(found, Vec::<String>::new());
    // The check itself works: it finds a column that is not there.
    db.batch_execute("create function broken() returns void language plpgsql as 'begin perform nothing from rowlock.events; end'")
        .await
        .expect("created");
    let count = "select count(*) from plpgsql_check_function_tb('broken()'::regprocedure)";
    assert_eq!(db.query_one(count, &[]).await.expect("an answer").get::<_, i64>(0), 1);
}
