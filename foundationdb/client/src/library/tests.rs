//! Every case in which there is no usable library, with the text that a user reads.
//!
//! The libraries are made by the C compiler, which is needed to build the project anyway: a test fails if there
//! is none. A library that works is loaded by the tests of `fdb-double`.

use std::error::Error;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use tempfile::TempDir;

use super::*;
use crate::error::Distrust;

type Tested = Result<(), Box<dyn Error>>;

fn named(path: &Path) -> Result<LoadError, Box<dyn Error>> {
    match find(Some(path.as_os_str()), &[]) {
        Err(error) => Ok(error),
        Ok(opened) => Err(format!("{} was loaded", opened.library.path.display()).into()),
    }
}

/// A shared library compiled from `source`.
fn compiled(folder: &TempDir, source: &str) -> Result<PathBuf, Box<dyn Error>> {
    let (file, library) = (folder.path().join("library.c"), folder.path().join("libfdb_c.so"));
    std::fs::write(&file, source)?;
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&file).status()?;
    assert!(status.success(), "the C compiler failed: {status}");
    chmod(&library, 0o755)?;
    Ok(library.canonicalize()?)
}

/// The functions that a usable library must have, and the two that are asked for versions.
fn complete(max_api_version: i32) -> String {
    let mut source = format!(
        "const char *fdb_get_client_version(void) {{ return \"7.1.3,abc,fdb00b0\"; }}\n\
         int fdb_get_max_api_version(void) {{ return {max_api_version}; }}\n"
    );
    for function in REQUIRED {
        if !["fdb_get_client_version", "fdb_get_max_api_version"].contains(&function.name) {
            source += &format!("void {}(void) {{}}\n", function.name);
        }
    }
    source
}

fn chmod(path: &Path, mode: u32) -> std::io::Result<()> {
    std::fs::set_permissions(path, PermissionsExt::from_mode(mode))
}

#[test]
fn nothing_in_any_place() -> Tested {
    let folder = tempfile::tempdir()?;
    let places = [folder.path().join("a/libfdb_c.so"), folder.path().join("b/libfdb_c.so")];
    let error = find(None, &places).err().ok_or("found")?;
    assert_eq!(error, LoadError::NotFound { tried: places.to_vec() });
    assert_eq!(
        error.to_string().replace(&folder.path().display().to_string(), "DIR"),
        "the client library of FoundationDB, libfdb_c.so, was not found; tried: DIR/a/libfdb_c.so, \
         DIR/b/libfdb_c.so. Install the package foundationdb-clients of the cluster's version, or set \
         FDB_CLIENT_LIBRARY to the path of the library"
    );
    Ok(())
}

#[test]
fn a_named_library_is_missing_or_relative() -> Tested {
    let missing = Path::new("/nowhere/libfdb_c.so");
    assert_eq!(
        named(missing)?.to_string(),
        "FDB_CLIENT_LIBRARY names /nowhere/libfdb_c.so, which does not exist. Set it to the path of libfdb_c.so, or \
         unset it to search the usual places"
    );
    assert_eq!(
        named(Path::new("libfdb_c.so"))?.to_string(),
        "FDB_CLIENT_LIBRARY is \"libfdb_c.so\", which is no absolute path. Set it to the absolute path of libfdb_c.so"
    );
    assert_eq!(named(Path::new(""))?, LoadError::NotAbsolute { path: PathBuf::new() });
    // No other place is looked at.
    let folder = tempfile::tempdir()?;
    let good = compiled(&folder, &complete(730))?;
    assert!(find(None, std::slice::from_ref(&good)).is_ok());
    let error = find(Some(missing.as_os_str()), &[good]).err();
    assert_eq!(error, Some(LoadError::NamedButMissing { path: missing.to_path_buf() }));
    Ok(())
}

#[test]
fn a_directory_is_no_library() -> Tested {
    let folder = tempfile::tempdir()?;
    let error = named(folder.path())?;
    assert_eq!(error, LoadError::NotAFile { path: folder.path().to_path_buf() });
    Ok(())
}

#[test]
fn a_text_is_no_library() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = folder.path().canonicalize()?.join("libfdb_c.so");
    std::fs::write(&path, "This is a text, and it is longer than the header of a library would be.\n")?;
    chmod(&path, 0o644)?;
    let LoadError::NotLoadable { path: of, cause } = named(&path)? else {
        return Err("another error".into());
    };
    assert_eq!(of, path);
    assert!(cause.contains("libfdb_c.so"), "not what the loader says: {cause}");
    Ok(())
}

#[test]
fn a_library_of_something_else() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = compiled(&folder, "int answer(void) { return 42; }\n")?;
    assert_eq!(named(&path)?, LoadError::LacksFunction { path, function: "fdb_get_error" });
    Ok(())
}

#[test]
fn a_library_without_a_function_of_7_3() -> Tested {
    let folder = tempfile::tempdir()?;
    let source = complete(730).replace("void fdb_database_get_client_status(void) {}\n", "");
    let path = compiled(&folder, &source)?;
    let error = named(&path)?;
    assert_eq!(
        error.to_string().replace(&path.display().to_string(), "LIBRARY"),
        "LIBRARY lacks the function fdb_database_get_client_status: it is older than FoundationDB 7.3, or another \
         library. Install the package foundationdb-clients of the cluster's version, 7.3 or newer"
    );
    Ok(())
}

#[test]
fn a_library_of_an_older_api() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = compiled(&folder, &complete(710))?;
    let error = named(&path)?;
    assert_eq!(
        error.to_string().replace(&path.display().to_string(), "LIBRARY"),
        "LIBRARY is of FoundationDB 7.1.3 and supports API versions up to 710; 730 is needed. Install the package \
         foundationdb-clients of the cluster's version, 7.3 or newer"
    );
    Ok(())
}

#[test]
fn the_first_usable_place_is_taken() -> Tested {
    let (old, good) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let places = [
        old.path().join("missing/libfdb_c.so"),
        compiled(&old, &complete(710))?,
        compiled(&good, &complete(740))?,
    ];
    let opened = find(None, &places)?;
    assert_eq!(opened.library.path(), places[2]);
    assert_eq!((opened.library.version(), opened.library.max_api_version()), ("7.1.3", 740));
    let only = find(None, &places[..2]).err().ok_or("found")?;
    assert!(matches!(only, LoadError::TooOld { .. }), "{only}");
    Ok(())
}

#[test]
fn others_may_write_to_the_library_or_its_directory() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = compiled(&folder, &complete(730))?;
    let within = path.parent().ok_or("no directory")?.to_path_buf();
    for mode in [0o775, 0o757] {
        chmod(&path, mode)?;
        let reason = Distrust::Writable { mode };
        assert_eq!(named(&path)?, LoadError::NotTrusted { path: path.clone(), place: path.clone(), reason });
    }
    chmod(&path, 0o755)?;
    chmod(&within, 0o777)?;
    let error = named(&path)?;
    assert_eq!(
        error.to_string().replace(&within.display().to_string(), "DIR"),
        "DIR/libfdb_c.so is not loaded, because others can replace it: DIR has the permissions 0777. Take write \
         permission from its group and from others (chmod go-w)"
    );
    // The places of the system are no exception.
    assert_eq!(find(None, std::slice::from_ref(&path)).err(), Some(error));
    chmod(&within, 0o1777)?;
    assert!(find(Some(path.as_os_str()), &[]).is_ok(), "the sticky bit protects the file");
    Ok(())
}

#[test]
fn a_link_leads_to_a_library_that_others_may_write_to() -> Tested {
    let (folder, elsewhere) = (tempfile::tempdir()?, tempfile::tempdir()?);
    let path = compiled(&elsewhere, &complete(730))?;
    let link = folder.path().canonicalize()?.join("libfdb_c.so");
    std::os::unix::fs::symlink(&path, &link)?;
    assert_eq!(find(Some(link.as_os_str()), &[])?.library.path(), path);
    chmod(&path, 0o777)?;
    let reason = Distrust::Writable { mode: 0o777 };
    assert_eq!(named(&link)?, LoadError::NotTrusted { path: link, place: path, reason });
    Ok(())
}

#[test]
fn a_library_of_another_user() -> Tested {
    let folder = tempfile::tempdir()?;
    let path = compiled(&folder, &complete(730))?;
    let own = rustix::process::geteuid().as_raw();
    // Root trusts its own files whoever loads them, and can give them away; anybody else's belong to another user
    // in the eyes of a third one.
    let (uid, of) = if own == 0 { (12345, 0) } else { (own, own + 1) };
    std::os::unix::fs::chown(&path, Some(uid), None)?;
    let reason = Distrust::Owner { uid };
    let expect = LoadError::NotTrusted { path: path.clone(), place: path.clone(), reason };
    assert_eq!(trust::check_for(&path, of), Err(expect.clone()));
    assert_eq!(
        expect.to_string().replace(&path.display().to_string(), "LIBRARY"),
        format!(
            "LIBRARY is not loaded, because others can replace it: LIBRARY belongs to user {uid}. Let root or the \
             user of this program own it"
        )
    );
    Ok(())
}

#[test]
fn without_a_library_functions_return_errors() {
    // SAFETY: none of these functions reads its arguments before a library is loaded, and this program loads
    // none: the tests above open libraries without connecting them.
    unsafe {
        use foundationdb_sys as sys;
        assert_eq!(sys::fdb_setup_network(), 2204);
        assert_eq!(sys::fdb_select_api_version_impl(730, 730), 2204);
        assert_eq!(sys::fdb_get_max_api_version(), 0);
        assert!(sys::fdb_get_client_version().is_null());
        assert!(sys::fdb_transaction_commit(std::ptr::null_mut()).is_null());
        assert_eq!(sys::fdb_error_predicate(50000, 1007), 0);
        sys::fdb_future_destroy(std::ptr::null_mut());
        let text = CStr::from_ptr(sys::fdb_get_error(1007));
        assert_eq!(text, c"The FoundationDB client library is not loaded");
    }
    assert_eq!(
        foundationdb::FdbError::from_code(2204).message(),
        "The FoundationDB client library is not loaded"
    );
}
