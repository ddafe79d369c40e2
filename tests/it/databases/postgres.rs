//! PostgreSQL: where a server would look for its tables, what passes for one, and what stands between.

use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use crate::harness::database_servers::{Kind, Server};
use crate::harness::site::{Engine, Site, assert_same, assert_same_without_index};

fn source() -> (Site, std::path::PathBuf) {
    let source = Site::plain_of("0.15.5", Engine::Sqlite).unwrap();
    let dump = source.export("dump");
    (source, dump)
}

#[test]
fn an_installation_is_read_and_written_where_a_server_would_look() {
    let (_source, dump) = source();
    let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
    let whole = site.export("whole");
    let sql = |statements: &str| drop(site.database().sql(statements));
    let both = || site.configure(&[("options", "-c search_path=mail,public")]);
    both();
    sql("CREATE SCHEMA mail");
    // The server would create empty tables in the first schema and see these.
    let says = ["in schema public", "in schema mail", "search_path"];
    site.run(&["-e", "refused"]).expect(5).says(&says);
    site.run(&["-e", "refused", "--dry-run"]).expect(5).says(&says);
    site.import(&dump).expect(5).says(&says);
    // One of them in the first, as a start of the server leaves it.
    sql(
        "CREATE TABLE mail.p (k BYTEA PRIMARY KEY, v BYTEA NOT NULL); INSERT INTO mail.p SELECT * FROM public.p",
    );
    let twice = ["more than one schema", "\"mail\".\"p\" and \"public\".\"p\""];
    site.run(&["-e", "refused"]).expect(5).says(&twice);
    site.run(&["inspect", "-c", "config.toml"]).expect(5).says(&twice);
    // The installation divided over both.
    sql("DROP TABLE public.p");
    site.run(&["-e", "refused"]).expect(5).says(&says);
    // Named alone, each is what it is.
    sql("ALTER TABLE mail.p SET SCHEMA public");
    site.configure(&[("options", "-c search_path=public")]);
    assert_same(&whole, &site.export("again"));
    site.configure(&[("options", "-c search_path=mail")]);
    site.run(&["-e", "refused"]).expect(5).says(&["states no schema version"]);
    site.import(&dump).expect(0);
    assert_eq!(site.database().sql("SELECT count(*) FROM pg_tables WHERE schemaname = 'mail'"), "20");
    assert_same_without_index(&dump, &site.export("mail"));
}

#[test]
fn a_table_off_the_search_path_is_named_with_its_schema() {
    let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
    site.database()
        .sql("CREATE SCHEMA other; ALTER TABLE d SET SCHEMA other; ALTER TABLE s SET SCHEMA other");
    let says = ["d (directory), s (settings)", "there is one in schema other", "search_path=other"];
    site.run(&["-e", "refused"]).expect(5).says(&says);
    // A path set for the role or for the database counts like one of the configuration.
    let name = site.database().name.clone();
    site.database().sql(&format!("ALTER DATABASE {name} SET search_path = other, public"));
    site.run(&["-e", "refused"]).expect(5).says(&["would create and look for them in schema other"]);
}

#[test]
fn operators_and_functions_of_a_database_are_not_used() {
    let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
    let whole = site.export("whole");
    let (_source, dump) = source();
    // With pg_catalog named last, these come before what PostgreSQL has.
    let trap = "CREATE TABLE public.sprung (what text); \
         CREATE FUNCTION public.sprung(what text) RETURNS bool LANGUAGE plpgsql AS \
            $$BEGIN INSERT INTO public.sprung VALUES (what); RETURN true; EXCEPTION WHEN OTHERS THEN RETURN true; END$$; \
         CREATE FUNCTION public.greater(bytea, bytea) RETURNS bool LANGUAGE sql AS $$SELECT public.sprung('>')$$; \
         CREATE OPERATOR public.> (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.greater); \
         CREATE OPERATOR public.<= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.greater); \
         CREATE OPERATOR public.>= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.greater); \
         CREATE OPERATOR public.= (LEFTARG = bytea, RIGHTARG = bytea, FUNCTION = public.greater); \
         CREATE FUNCTION public.pg_relation_size(oid) RETURNS bigint LANGUAGE sql AS \
            $$SELECT public.sprung('size')::int::bigint$$; \
         CREATE FUNCTION public.pg_is_in_recovery() RETURNS bool LANGUAGE sql AS $$SELECT public.sprung('recovery')$$; \
         CREATE FUNCTION public.to_regclass(text) RETURNS oid LANGUAGE sql AS $$SELECT public.sprung('class')::int::oid$$";
    site.database().sql(trap);
    site.configure(&[("options", "-c search_path=public,pg_catalog")]);
    assert_same(&whole, &site.export("again"));
    site.run(&["-i", dump.to_str().unwrap(), "--wipe-target", "--yes"]).expect(0);
    assert_same_without_index(&dump, &site.export("filled"));
    assert_eq!(site.database().sql("SELECT count(*) FROM public.sprung"), "0");
}

#[test]
fn what_only_looks_like_a_table_is_neither_read_nor_written() {
    let (_source, dump) = source();
    let moved = "ALTER TABLE d RENAME TO was_d; ";
    // What is done to the table d, and whether that is seen in a source too.
    for (change, says, read) in [
        (format!("{moved} CREATE VIEW d AS SELECT * FROM was_d"), "is a view", true),
        (format!("{moved} CREATE VIEW d AS SELECT k, v FROM was_d, pg_sleep(3600)"), "is a view", true),
        (
            format!("{moved} CREATE MATERIALIZED VIEW d AS SELECT * FROM was_d"),
            "is a materialized view",
            true,
        ),
        (
            format!("{moved} CREATE TABLE d (k BYTEA PRIMARY KEY, v BYTEA NOT NULL) PARTITION BY RANGE (k)"),
            "is a partitioned table",
            true,
        ),
        (
            format!("{moved} CREATE UNLOGGED TABLE d (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)"),
            "is not a permanent table",
            true,
        ),
        ("CREATE TABLE more () INHERITS (d)".to_string(), "inherit from it", true),
        ("CREATE RULE r AS ON DELETE TO d DO INSTEAD NOTHING".to_string(), "has rules", true),
        (
            "CREATE FUNCTION evil(int) RETURNS bool IMMUTABLE LANGUAGE sql AS 'SELECT true'; \
             CREATE INDEX i_evil ON d (k) WHERE evil(1)"
                .to_string(),
            "over an expression",
            true,
        ),
        (
            "CREATE DOMAIN own AS BYTEA CHECK (length(VALUE) < 1000000); ALTER TABLE d ALTER v TYPE own"
                .to_string(),
            "of a type that the database defines itself",
            true,
        ),
        (
            "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
             CREATE TRIGGER t BEFORE INSERT ON d FOR EACH ROW EXECUTE FUNCTION t()"
                .to_string(),
            "has triggers",
            false,
        ),
        ("ALTER TABLE d ADD CHECK (length(v) < 1000000)".to_string(), "has constraints", false),
        ("ALTER TABLE d ADD more TEXT DEFAULT now()::text".to_string(), "column", true),
    ] {
        let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
        site.database().sql(&change);
        if read {
            drop(site.run(&["-e", "refused"]).expect(5).says(&[says]))
        } else {
            drop(site.run(&["-e", "whole"]).expect(0))
        }
        site.run(&["-i", dump.to_str().unwrap(), "--wipe-target", "--yes"]).expect(5).says(&[says]);
    }
}

#[test]
fn what_a_target_lacks_is_found_before_the_first_write() {
    let (_source, dump) = source();
    let dump = dump.to_str().unwrap();
    let site = Site::on(Server::of(Kind::Postgres));
    let role = format!("{}_w", site.database().name);
    let sql = |statements: &str| drop(site.database().sql(statements));
    sql(&format!("REVOKE CREATE ON SCHEMA public FROM PUBLIC; CREATE ROLE {role} LOGIN"));
    site.configure(&[("user", &role)]);
    let check = |code: i32, says: &[&str]| {
        site.run(&["-i", dump, "--dry-run"]).expect(code).says(says);
        site.run(&["-i", dump]).expect(code).says(says);
        let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'd'";
        assert_eq!(site.database().sql(tables), "0");
    };
    check(5, &["a privilege is missing", "CREATE on schema public", "GRANT CREATE ON SCHEMA"]);
    sql(&format!(
        "GRANT CREATE ON SCHEMA public TO {role}; ALTER ROLE {role} SET default_transaction_read_only = on"
    ));
    check(5, &["it is read-only", "default_transaction_read_only"]);
    sql(&format!("ALTER ROLE {role} RESET ALL; CREATE TABLE d (k BYTEA PRIMARY KEY, v BYTEA NOT NULL)"));
    check(5, &["d (directory)", "SELECT"]);
    sql(&format!("GRANT SELECT ON d TO {role}"));
    check(5, &["SELECT, INSERT and DELETE on d", "GRANT SELECT, INSERT"]);
    sql(&format!("GRANT INSERT, DELETE ON d TO {role}"));
    site.run(&["-i", dump, "--dry-run"]).expect(0).shows(&["target writable"]);
    // Limits and habits that others have set for this user change nothing.
    for (setting, value) in [
        ("statement_timeout", "'1s'"),
        ("lock_timeout", "'1s'"),
        ("idle_in_transaction_session_timeout", "'1s'"),
        ("idle_session_timeout", "'1s'"),
        ("synchronous_commit", "off"),
        ("default_transaction_isolation", "serializable"),
        ("standard_conforming_strings", "off"),
        ("bytea_output", "escape"),
        ("row_security", "on"),
    ] {
        sql(&format!("ALTER ROLE {role} SET {setting} = {value}"));
    }
    site.run(&["-i", dump]).expect(0);
    assert_same_without_index(dump.as_ref(), &site.export("again"));
    sql(&format!("DROP OWNED BY {role}; DROP ROLE {role}"));
}

/// A PgBouncer in front of a server.
struct Pooler {
    process: Child,
    port: String,
}

impl Pooler {
    fn before(server: &Server, mode: &str) -> Pooler {
        let dir = tempfile::Builder::new().prefix("stalwart-pooler-").tempdir().unwrap().keep();
        let port = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port();
        let settings = format!(
            "[databases]\n* = host=127.0.0.1 port={} user=postgres\n[pgbouncer]\nlisten_addr = 127.0.0.1\n\
             listen_port = {port}\nauth_type = any\npool_mode = {mode}\nunix_socket_dir =\n",
            server.port
        );
        fs::write(dir.join("pgbouncer.ini"), settings).unwrap();
        let mut pooler = if rustix::process::geteuid().is_root() {
            // It does not run as root.
            assert!(Command::new("chown").arg("-R").arg("postgres").arg(&dir).status().unwrap().success());
            let mut set = Command::new("setpriv");
            set.args(["--reuid", "postgres", "--regid", "postgres", "--clear-groups", "pgbouncer"]);
            set
        } else {
            Command::new("pgbouncer")
        };
        let process =
            pooler.arg(dir.join("pgbouncer.ini")).stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let begin = Instant::now();
        while std::net::TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begin.elapsed() < Duration::from_secs(60), "no answer from PgBouncer");
            std::thread::sleep(Duration::from_millis(20));
        }
        Pooler { process: process.unwrap(), port: port.to_string() }
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn a_pooler_by_transaction_is_refused_and_one_by_session_is_none_at_all() {
    let server = Server::of(Kind::Postgres);
    let (_source, dump) = source();
    let dump = dump.to_str().unwrap();
    for mode in ["transaction", "statement"] {
        let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
        let empty = Site::on(server);
        let pooler = Pooler::before(server, mode);
        [&site, &empty].into_iter().for_each(|site| site.configure(&[("port", &pooler.port)]));
        let says = ["a pooler that shares sessions", "the database server itself", "pool_mode = session"];
        site.run(&["-e", "refused"]).expect(5).says(&says);
        site.run(&["-e", "refused", "--dry-run"]).expect(5).says(&says);
        empty.run(&["-i", dump]).expect(5).says(&says);
        empty.run(&["-i", dump, "--dry-run"]).expect(5).says(&says);
        site.run(&["inspect", "-c", "config.toml"]).expect(5).says(&says);
        assert!(!site.path("refused").exists());
    }
    let site = Site::of("0.15.5", Engine::Sql(Kind::Postgres));
    let whole = site.export("whole");
    let pooler = Pooler::before(server, "session");
    site.configure(&[("port", &pooler.port)]);
    // Sessions that the pooler keeps may be seen as others.
    site.run(&["-e", "again", "--yes"]).expect(0);
    assert_same(&whole, &site.path("again"));
    site.configure(&[("port", &pooler.port), ("options", "-c search_path=public")]);
    site.run(&["-e", "refused"]).expect(1).says(&["a connection pooler does not take the options"]);
}

#[test]
fn a_password_that_cannot_be_prepared_is_named_without_being_shown() {
    let server = Box::leak(Box::new(Server::private(Kind::Postgres, &[])));
    server.sql("", "CREATE ROLE with_password LOGIN PASSWORD 's3cr3t'");
    let site = Site::on(server);
    // A character that is prohibited.
    site.configure(&[("user", "with_password"), ("password", "s3cr3t\u{e000}")]);
    let outcome = site.run(&["-e", "dump"]).expect(1).says(&["SASLprep", "the password", "ALTER ROLE"]);
    assert!(
        !outcome.everything().contains("e000") && !outcome.everything().contains('\u{e000}'),
        "{}",
        outcome.everything()
    );
}
