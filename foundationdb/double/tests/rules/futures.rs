//! Futures and the network, through the functions of the C API.

use std::ffi::c_void;
use std::sync::mpsc;
use std::thread::ThreadId;
use std::time::Duration;

use foundationdb::api::get_max_api_version;
use foundationdb_sys as sys;

use crate::harness::rule;

/// Sends the thread that a callback runs on.
unsafe extern "C" fn send_thread(_: *mut sys::FDBFuture, sender: *mut c_void) {
    // SAFETY: the parameter is a sender that was given away for this call.
    let sender = unsafe { Box::from_raw(sender.cast::<mpsc::Sender<ThreadId>>()) };
    // The test has ended if the channel has no receiver.
    let _ = sender.send(std::thread::current().id());
}

fn listen(future: *mut sys::FDBFuture) -> mpsc::Receiver<ThreadId> {
    let (sender, receiver) = mpsc::channel::<ThreadId>();
    let parameter = Box::into_raw(Box::new(sender)).cast();
    // SAFETY: the future is not destroyed yet, and the parameter is what the callback expects.
    assert_eq!(unsafe { sys::fdb_future_set_callback(future, Some(send_thread), parameter) }, 0);
    receiver
}

/// Long enough on a busy machine; callbacks come at once.
const PATIENCE: Duration = Duration::from_secs(20);

rule!(callbacks_run_on_the_network_thread, [("FDB_DOUBLE_LATENCY", "get=50ms")], |cluster| async move {
    let here = std::thread::current().id();
    let path = std::ffi::CString::new(cluster.file().to_string_lossy().as_bytes())?;
    // SAFETY: every handle comes from the library and is destroyed once; results are variables.
    unsafe {
        let (mut database, mut transaction) = (std::ptr::null_mut(), std::ptr::null_mut());
        assert_eq!(sys::fdb_create_database(path.as_ptr(), &mut database), 0);
        assert_eq!(sys::fdb_database_create_transaction(database, &mut transaction), 0);
        let future = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
        assert_eq!(sys::fdb_future_is_ready(future), 0);
        assert_eq!(sys::fdb_future_get_error(future), 2015);
        let thread = listen(future).recv_timeout(PATIENCE)?;
        assert_ne!(thread, here);
        assert_eq!(sys::fdb_future_is_ready(future), 1);
        // A future that is ready calls at once.
        assert_eq!(listen(future).try_recv()?, here);
        let (mut present, mut value, mut length) = (7, std::ptr::null(), 7);
        assert_eq!(sys::fdb_future_get_value(future, &mut present, &mut value, &mut length), 0);
        assert_eq!(present, 0);
        // A value of another kind, and one that was released.
        let mut number = 0;
        assert_eq!(sys::fdb_future_get_int64(future, &mut number), 2000);
        sys::fdb_future_release_memory(future);
        assert_eq!(sys::fdb_future_get_value(future, &mut present, &mut value, &mut length), 1102);
        sys::fdb_future_destroy(future);

        let waited = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
        assert_eq!(sys::fdb_future_block_until_ready(waited), 0);
        assert_eq!(sys::fdb_future_get_error(waited), 0);
        sys::fdb_future_destroy(waited);

        let cancelled = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
        let receiver = listen(cancelled);
        sys::fdb_future_cancel(cancelled);
        assert_ne!(receiver.recv_timeout(PATIENCE)?, here);
        assert_eq!(sys::fdb_future_get_error(cancelled), 1101);
        sys::fdb_future_destroy(cancelled);

        // The callback of a future that is destroyed is called all the same, once.
        let destroyed = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
        let receiver = listen(destroyed);
        sys::fdb_future_destroy(destroyed);
        assert_ne!(receiver.recv_timeout(PATIENCE)?, here);

        // A cancelled transaction fails until it is reset.
        sys::fdb_transaction_cancel(transaction);
        for code in [1025, 0] {
            let after = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
            assert_eq!(sys::fdb_future_block_until_ready(after), 0);
            assert_eq!(sys::fdb_future_get_error(after), code);
            sys::fdb_future_destroy(after);
            sys::fdb_transaction_reset(transaction);
        }

        // A database and a transaction may be destroyed before their futures.
        let orphan = sys::fdb_transaction_get(transaction, b"k".as_ptr(), 1, 0);
        sys::fdb_transaction_destroy(transaction);
        sys::fdb_database_destroy(database);
        assert_eq!(sys::fdb_future_block_until_ready(orphan), 0);
        assert_eq!(sys::fdb_future_get_error(orphan), 1025);
        sys::fdb_future_destroy(orphan);
    }
    Ok(())
});

rule!(the_network_is_set_up_once, [], |_cluster| async move {
    assert_eq!(get_max_api_version(), 730);
    // SAFETY: none of these functions takes a pointer.
    unsafe {
        assert_eq!(sys::fdb_select_api_version_impl(730, 730), 2201);
        assert_eq!(sys::fdb_setup_network(), 2009);
        assert_eq!(sys::fdb_run_network(), 2025);
    }
    Ok(())
});

#[test]
fn nothing_works_before_an_api_version_is_selected() -> crate::harness::Tested {
    let name = concat!(module_path!(), "::nothing_works_before_an_api_version_is_selected");
    if crate::harness::role().is_none() {
        let output = crate::harness::process(name, &[], None, Some("child"))?.output()?;
        assert!(output.status.success(), "{}", crate::harness::said(&output));
        return Ok(());
    }
    fdb_client::load()?;
    let mut database = std::ptr::null_mut();
    // SAFETY: a null path is the default, and the result is a variable.
    unsafe {
        assert_eq!(sys::fdb_setup_network(), 2200);
        assert_eq!(sys::fdb_run_network(), 2200);
        assert_eq!(sys::fdb_create_database(std::ptr::null(), &mut database), 2200);
        assert_eq!(sys::fdb_select_api_version_impl(740, 730), 2202);
        assert_eq!(sys::fdb_select_api_version_impl(740, 740), 2203);
        assert_eq!(sys::fdb_select_api_version_impl(730, 730), 0);
        assert_eq!(sys::fdb_create_database(std::ptr::null(), &mut database), 2008);
        assert_eq!(sys::fdb_run_network(), 2008);
    }
    Ok(())
}

#[test]
fn a_library_is_loaded_once() -> crate::harness::Tested {
    let name = concat!(module_path!(), "::a_library_is_loaded_once");
    if crate::harness::role().is_none() {
        let output = crate::harness::process(name, &[], None, Some("child"))?.output()?;
        assert!(output.status.success(), "{}", crate::harness::said(&output));
        return Ok(());
    }
    let library = fdb_client::load()?;
    assert_eq!(library.version(), "7.3.27");
    assert_eq!(library.max_api_version(), 730);
    assert_eq!(Some(library.path().as_os_str()), std::env::var_os(fdb_client::VARIABLE).as_deref());
    assert!(std::ptr::eq(library, fdb_client::load()?));
    Ok(())
}
