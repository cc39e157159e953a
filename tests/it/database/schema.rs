//! `sql/schema.sql` is what the migrations create, and everything in it has a comment.

use std::collections::HashMap;
use std::process::Command;

use pretty_assertions::assert_eq;
use tokio_postgres::Client;

use crate::drift::{assert_up_to_date, blessing, in_project};
use crate::harness::{TestDatabase, postgres_program, skip};

const FILE: &str = "sql/schema.sql";
const REMEDY: &str = "make schema";

#[tokio::test(flavor = "multi_thread")]
async fn schema_sql_is_what_the_migrations_make() {
    let database = TestDatabase::cloned().await;
    let db = database.connect().await;
    let version: i32 = db.query_one("select current_setting('server_version_num')::integer", &[]).await.expect("a version").get(0);
    let heading = format!(
        "-- The schema as PostgreSQL {} dumps it, without what functions and views do: their files say that. Generated: `{REMEDY}` writes it anew.\n",
        version / 10_000
    );
    let kept = std::fs::read_to_string(in_project(FILE)).unwrap_or_default();
    if !kept.is_empty() && !kept.starts_with(&heading) && !blessing() {
        return skip(
            FILE,
            &format!("{FILE} was dumped by another version than PostgreSQL {}, which spells things differently", version / 10_000),
        );
    }
    let Some(pg_dump) = postgres_program("pg_dump", version / 10_000) else {
        return skip("pg_dump", &format!("there is no pg_dump of PostgreSQL {}", version / 10_000));
    };
    let dumped = Command::new(pg_dump)
        .args(["--schema-only", "--no-owner", "--exclude-table=public.refinery_schema_history", "--dbname", &database.url()])
        .output()
        .expect("pg_dump runs");
    assert!(dumped.status.success(), "{}", String::from_utf8_lossy(&dumped.stderr));
    let dump = signatures(&normalised(&String::from_utf8(dumped.stdout).expect("UTF-8")), &view_columns(&db).await);
    assert_up_to_date(FILE, &format!("{heading}\n{dump}"), REMEDY);
}

/// The columns of each view, as a table has them.
async fn view_columns(db: &Client) -> HashMap<String, String> {
    let sql = "select format('%I.%I', c.relnamespace::regnamespace, c.relname),
                   string_agg(format('    %I %s', a.attname, format_type(a.atttypid, a.atttypmod)), E',\\n' order by a.attnum)
               from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0
               where c.relkind = 'v' and c.relnamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
               group by c.oid, c.relnamespace, c.relname";
    db.query(sql, &[]).await.expect("an answer").iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// The dump with functions cut off before their bodies, and views with their columns instead of their queries.
fn signatures(dump: &str, view_columns: &HashMap<String, String>) -> String {
    let mut kept: Vec<String> = Vec::new();
    let mut lines = dump.lines();
    while let Some(line) = lines.next() {
        if let Some(view) = line.strip_prefix("CREATE VIEW ").and_then(|rest| rest.split(' ').next()) {
            kept.push(format!("{} (\n{}\n);", line.trim_end_matches(" AS"), view_columns[view]));
            lines.by_ref().find(|line| line.ends_with(';')).expect("the end of a view");
        } else if let Some((_, body)) = line.split_once("    AS $").filter(|(before, _)| before.is_empty()) {
            let tag = format!("${};", &body[..=body.find('$').expect("a tag")]);
            if !body.ends_with(&tag) || body.len() < 2 * tag.len() - 2 {
                lines.by_ref().find(|line| line.ends_with(&tag)).expect("the end of a body");
            }
            kept.last_mut().expect("a signature").push(';');
        } else {
            kept.push(line.to_owned());
        }
    }
    format!("{}\n", kept.join("\n"))
}

#[test]
fn bodies_of_functions_and_queries_of_views_are_left_out() {
    let dump = "CREATE FUNCTION f(a integer) RETURNS integer\n    LANGUAGE sql\n    AS $$\n    select 1;\n$$;\n\
        CREATE FUNCTION g() RETURNS integer\n    LANGUAGE sql\n    AS $_$ select 1 $_$;\nCREATE VIEW v WITH (security_barrier='true') AS\n SELECT 1 AS n,\n    2 AS m;\nEND\n";
    let columns = HashMap::from([("v".to_owned(), "    n integer".to_owned())]);
    let kept = "CREATE FUNCTION f(a integer) RETURNS integer\n    LANGUAGE sql;\n\
        CREATE FUNCTION g() RETURNS integer\n    LANGUAGE sql;\nCREATE VIEW v WITH (security_barrier='true') (\n    n integer\n);\nEND\n";
    assert_eq!(signatures(dump, &columns), kept);
}

/// Without what differs between minor versions or runs: comments, session settings, restrict keys, runs of empty lines.
fn normalised(dump: &str) -> String {
    let noise = ["-- ", "SET ", "SELECT pg_catalog.set_config", "\\restrict ", "\\unrestrict "];
    let mut lines: Vec<&str> = Vec::new();
    for line in dump.lines() {
        let is_noise = line == "--" || noise.iter().any(|noise| line.starts_with(noise));
        let is_gap = line.is_empty() && lines.last().is_none_or(|last| last.is_empty());
        if !is_noise && !is_gap {
            lines.push(line);
        }
    }
    format!("{}\n", lines.join("\n").trim_end())
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_says_what_it_is_for() {
    let database = TestDatabase::cloned().await;
    let sql = "
        with ours as (select oid, nspname from pg_namespace where nspname in ('rowlock', 'admin'))
        select format('schema %s', nspname) from ours where obj_description(oid, 'pg_namespace') is null
        union all
        select format('relation %s', c.oid::regclass) from pg_class c join ours o on o.oid = c.relnamespace
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and obj_description(c.oid, 'pg_class') is null
        union all
        select format('column %s.%s', c.oid::regclass, a.attname)
        from pg_class c join ours o on o.oid = c.relnamespace join pg_attribute a on a.attrelid = c.oid
        where c.relkind in ('r', 'p', 'v', 'm', 'f') and a.attnum > 0 and not a.attisdropped and col_description(c.oid, a.attnum) is null
        union all
        select format('function %s', p.oid::regprocedure) from pg_proc p join ours o on o.oid = p.pronamespace
        where obj_description(p.oid, 'pg_proc') is null
        union all
        select format('type %s', t.oid::regtype)
        from pg_type t join ours o on o.oid = t.typnamespace left join pg_class c on c.oid = t.typrelid
        where t.typcategory <> 'A' and (c.oid is null or c.relkind = 'c') and obj_description(t.oid, 'pg_type') is null";
    let rows = database.connect().await.query(sql, &[]).await.expect("an answer");
    let silent: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(silent, Vec::<String>::new(), "these have no comment");
}

#[tokio::test(flavor = "multi_thread")]
async fn every_function_has_one_signature() {
    let database = TestDatabase::cloned().await;
    let sql = "select string_agg(oid::regprocedure::text, ' and ') from pg_proc
               where pronamespace in ('rowlock'::regnamespace, 'admin'::regnamespace)
               group by pronamespace, proname having count(*) > 1";
    let rows = database.connect().await.query(sql, &[]).await.expect("an answer");
    let overloads: Vec<String> = rows.iter().map(|row| row.get(0)).collect();
    assert_eq!(overloads, Vec::<String>::new(), "a changed argument type made an overload beside the old function");
}

/// `\d+` and `\df+` tell an operator who may use what.
#[tokio::test(flavor = "multi_thread")]
async fn everything_in_schema_admin_says_who_may_use_it() {
    let database = TestDatabase::cloned().await;
    let sql = "
        with granted as (
            select c.oid::regclass::text as name, obj_description(c.oid, 'pg_class') as says, c.relacl as acl, c.relowner as owner
            from pg_class c where c.relnamespace = 'admin'::regnamespace and c.relkind = 'v'
            union all
            select p.oid::regprocedure::text, obj_description(p.oid, 'pg_proc'), p.proacl, p.proowner
            from pg_proc p where p.pronamespace = 'admin'::regnamespace
        )
        select g.name, coalesce(g.says, ''), array(
            select case a.grantee when 0 then 'public' else a.grantee::regrole::text end || ' ' || a.privilege_type
            from aclexplode(g.acl) a where a.grantee <> g.owner order by 1)
        from granted g";
    let rows = database.connect().await.query(sql, &[]).await.expect("an answer");
    assert!(rows.len() > 25, "the views and functions are not found");
    for row in rows {
        let (name, says, grants): (&str, &str, Vec<&str>) = (row.get(0), row.get(1), row.get(2));
        let ends = match grants.as_slice() {
            ["rowlock_admin EXECUTE"] => " For rowlock_admin.",
            ["rowlock_admin SELECT", "rowlock_readonly SELECT"] => " For rowlock_admin and rowlock_readonly",
            other => panic!("{name}: granted {other:?}"),
        };
        assert!(says.contains(ends), "{name}: {says}");
    }
}
