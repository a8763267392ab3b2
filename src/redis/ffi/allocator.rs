//! Memory of the C code in this module, which does not know of the server's allocator.

use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn free(block: *mut c_void);
}

/// Gives a block of `malloc` back, whatever its size.
///
/// AWS-LC frees with jemalloc's `sdallocx` wherever the process has one, and takes it from `malloc`. Valkey loads modules
/// with `RTLD_DEEPBIND`: `malloc` is then libc's, while `sdallocx` would be that of the server's jemalloc, which crashes.
/// A definition in the module itself is found first exactly where `malloc` is libc's too.
///
/// # Safety
/// `block` came from the `malloc` that this module sees, and is used no more.
// SAFETY: the name is jemalloc's, and this keeps its contract for blocks of this module.
#[unsafe(no_mangle)]
unsafe extern "C" fn sdallocx(block: *mut c_void, _size: usize, _flags: c_int) {
    // SAFETY: says the caller.
    unsafe { free(block) }
}
