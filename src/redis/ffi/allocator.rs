//! Memory of the C code in this module, which does not use the server's allocator.

use std::ffi::{c_int, c_void};

unsafe extern "C" {
    fn free(block: *mut c_void);
}

/// Frees a block of `malloc`; the size is ignored.
///
/// AWS-LC frees with jemalloc's `sdallocx` wherever the process has one, and takes it from `malloc`. Valkey loads modules
/// with `RTLD_DEEPBIND`: `malloc` is then libc's, while `sdallocx` would be that of the server's jemalloc, which crashes.
/// A definition in the module itself is found first exactly where `malloc` is libc's too.
///
/// # Safety
/// `block` came from the `malloc` that this module links to, and is not used again.
// SAFETY: the name is jemalloc's, and this keeps its contract for blocks of this module.
#[unsafe(no_mangle)]
unsafe extern "C" fn sdallocx(block: *mut c_void, _size: usize, _flags: c_int) {
    // SAFETY: the caller guarantees it.
    unsafe { free(block) }
}
