//! Session data: accepted data is a JSON object. The result of a merge or a patch is one within the limits, and equals
//! that of a second implementation.
//!
//! The input is data, a line end, and a change, which is tried as a merge patch and as a JSON Patch. For any input, a
//! change takes bounded memory and few allocations; the data is also tried many times as large.

#![no_main]

use std::{
    alloc::{GlobalAlloc, Layout, System},
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
};

use jrs::session::{Cost, DEEPEST, PatchError, check_json_object, cost_of_merge, cost_of_patch, etag};
use libfuzzer_sys::fuzz_target;
use serde::de::DeserializeOwned;
use serde_json::{Deserializer, Value, value::RawValue};

/// Smaller than the largest input, so that the limit is reached.
const LIMIT: usize = 2000;

/// The memory of a change without the texts: the working memory of the budget, tables of the ends of values, and
/// buffers that grow.
const MEMORY: usize = 6 << 20;

/// Counts allocations, which is deterministic.
struct Counting;

static LIVE: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static ALLOCATED: AtomicUsize = AtomicUsize::new(0);

// SAFETY: the system's allocator does the work.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        PEAK.fetch_max(LIVE.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        ALLOCATED.fetch_add(layout.size(), Relaxed);
        // SAFETY: the caller guarantees it.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        LIVE.fetch_sub(layout.size(), Relaxed);
        // SAFETY: the caller guarantees it.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// Makes a change to texts of this size, and checks its cost. Returns the decoded bytes, which the caller checks.
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
    // The budget, plus the work of one step before the next check.
    assert!(cost.work <= (5 << 20) + 12 * texts, "{cost:?} for texts of {texts}");
    (result, cost.decoded)
}

/// Merges. Each name is decoded once, and compared once if both texts have it, apart from the budget.
fn merged(data: &[u8], change: &[u8], limit: usize) -> Result<String, PatchError> {
    let texts = data.len() + change.len();
    let (result, decoded) = measured(texts, || cost_of_merge(data, change, limit));
    assert!(decoded <= 3 * texts, "{decoded} bytes decoded for texts of {texts}");
    result
}

/// Patches. Each operation may parse copies and compare values once, within the budget.
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
        // The other implementation treats 1 and 1.0 as different, so it refuses a `test` that matches.
        if json_patch::patch(&mut value, &operations).is_ok() {
            check_result(&text, &value);
        }
    }
    let many = [&b"{\"a\":["[..], &[data; 200].join(&b','), b"]}"].concat();
    let _ = merged(&many, change, 64 << 20);
    let _ = patched(&many, change, 64 << 20);
});

/// The check agrees with a parser that builds the value, except for values that the parser cannot hold.
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

/// Parses a text of any depth.
fn build<T: DeserializeOwned>(json: &[u8]) -> Option<T> {
    let mut deserializer = Deserializer::from_slice(json);
    deserializer.disable_recursion_limit();
    let value = T::deserialize(&mut deserializer).ok()?;
    deserializer.end().ok()?;
    Some(value)
}

/// Whether the parser may change a value, because it uses reserved names.
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
