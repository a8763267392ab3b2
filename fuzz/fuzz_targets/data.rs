//! Session data: what is taken for a JSON object is one, and a merge or a patch makes another one within the limits,
//! the same that a second implementation makes.
//!
//! The input is data, a line end, and a change: it is tried as a merge patch and as a JSON Patch. Whatever the two say, a
//! change takes little memory and few allocations; the data is also tried many times as large.

#![no_main]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use jrs::session::{Cost, DEEPEST, PatchError, check_json_object, cost_of_merge, cost_of_patch, etag};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value, value::RawValue};

/// Less than an input can be, so that it is reached.
const LIMIT: usize = 2000;

/// What a change may take beside the texts: the working memory that it is granted, tables of where parts of the texts
/// end, and what grows by a part before the old place is free.
const MEMORY: usize = 6 << 20;

/// Counts what is allocated: the same for the same input, whatever else the machine does.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: all is done by the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: says the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: says the caller.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Does a change to texts of so many bytes, and checks what it took, but for what it decoded: that is returned.
fn measured(
    texts: usize,
    change: impl FnOnce() -> (Result<String, PatchError>, Cost),
) -> (Result<String, PatchError>, usize) {
    let (live, allocated) = (LIVE.load(Relaxed), ALLOCATED.load(Relaxed));
    PEAK.store(live, Relaxed);
    let (result, cost) = change();
    let (peak, all) = (PEAK.load(Relaxed) - live, ALLOCATED.load(Relaxed) - allocated);
    // The result of a merge may be as large as both texts.
    assert!(peak <= MEMORY + 2 * texts, "{peak} bytes at once for texts of {texts}");
    assert!(all <= 8 * MEMORY + 16 * texts, "{all} bytes in all for texts of {texts}");
    // The budget, and what one step may do before it is checked again.
    assert!(cost.work <= (5 << 20) + 12 * texts, "{cost:?} for texts of {texts}");
    (result, cost.decoded)
}

/// Merges. Each name is decoded once, and compared once where both texts have it: whatever the budget allows.
fn merged(data: &[u8], change: &[u8], limit: usize) -> Result<String, PatchError> {
    let texts = data.len() + change.len();
    let (result, decoded) = measured(texts, || cost_of_merge(data, change, limit));
    assert!(decoded <= 3 * texts, "{decoded} bytes decoded for texts of {texts}");
    result
}

/// Patches. Copies can be taken apart, and values compared, once for each operation: within the budget.
fn patched(data: &[u8], change: &[u8], limit: usize) -> Result<String, PatchError> {
    let texts = data.len() + change.len();
    let (result, decoded) = measured(texts, || cost_of_patch(data, change, limit));
    assert!(decoded <= (3 << 20) + 6 * texts, "{decoded} bytes decoded for texts of {texts}");
    result
}

fuzz_target!(|input: &[u8]| {
    let end = input.iter().position(|byte| *byte == b'\n').unwrap_or(input.len());
    let (data, change) = input.split_at(end);
    check_object(data);
    check_object(change);
    assert!(etag(data).iter().all(u8::is_ascii_hexdigit));

    let holds_private_name = holds_private_name(input);
    if let Ok(text) = merged(data, change, LIMIT)
        && !holds_private_name
    {
        let (mut value, patch) = (value(data).expect("data"), value(change).expect("a merge patch"));
        json_patch::merge(&mut value, &patch);
        check_result(&text, &value);
    }
    if let Ok(text) = patched(data, change, LIMIT)
        && !holds_private_name
    {
        let mut value = value(data).expect("data");
        let operations: json_patch::Patch = build(change).expect("a patch");
        // That implementation takes 1 and 1.0 for different numbers, and so refuses a `test` that holds.
        if json_patch::patch(&mut value, &operations).is_ok() {
            check_result(&text, &value);
        }
    }
    let many = [&b"{\"a\":["[..], &[data; 200].join(&b','), b"]}"].concat();
    let _ = merged(&many, change, 64 << 20);
    let _ = patched(&many, change, 64 << 20);
});

/// The check agrees with a parser that builds the value, but for what only that cannot hold.
fn check_object(json: &[u8]) {
    let checked = check_json_object(json);
    if let Ok(text) = checked {
        assert_eq!(text.as_bytes(), json);
        serde_json::from_str::<&RawValue>(text).expect("JSON");
    }
    if let Some(value) = value(json).filter(|_| !holds_private_name(json)) {
        assert_eq!(checked.is_ok(), value.is_object() && depth(&value) <= DEEPEST);
    }
}

fn check_result(text: &str, expected: &Value) {
    assert!(text.len() <= LIMIT);
    assert_eq!(check_json_object(text.as_bytes()), Ok(text));
    let value = value(text.as_bytes()).expect("JSON");
    assert!(value.is_object() && depth(&value) <= DEEPEST);
    assert_eq!(value, *expected);
}

fn value(json: &[u8]) -> Option<Value> {
    build(json)
}

/// What a text says, however deep.
fn build<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let mut deserializer = Deserializer::from_slice(json);
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Whether a value may come out as something else than the text says, for the parser has names of its own.
fn holds_private_name(json: &[u8]) -> bool {
    [&b"serde_json::"[..], b"\\u00"].iter().any(|name| json.windows(name.len()).any(|window| window == *name))
}

fn depth(value: &Value) -> usize {
    match value {
        Value::Array(items) => 1 + items.iter().map(depth).max().unwrap_or(0),
        Value::Object(members) => 1 + members.values().map(depth).max().unwrap_or(0),
        _ => 0,
    }
}
