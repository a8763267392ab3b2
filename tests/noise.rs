//! Commands of random bytes and halves of good ones: nothing breaks, nothing changes, nothing leaks.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, reason = "tests may fail")]

mod sessions;
mod support;

use redis::Connection;
use sessions::{contents, create, get, send};
use support::Server;

const COMMANDS: [&str; 11] = [
    "JRS.CREATE",
    "JRS.GET",
    "JRS.PEEK",
    "JRS.UPDATE",
    "JRS.TOUCH",
    "JRS.DESTROY",
    "JRS.INSPECT",
    "JRS.HELP",
    "JRS.JWKS",
    "JRS.REALMS",
    "JRS.RELOAD",
];

const WORDS: [&str; 24] = [
    "",
    "EX",
    "px",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "REPLACE",
    "CLAIMS",
    "REALM",
    "default",
    "0",
    "-1",
    "1",
    "1e3",
    "60",
    "99999999999999999999",
    "9223372036854775807",
    "{}",
    "{",
    "null",
    "{\"jti\":1}",
    "ey",
    "eyJ.eyJ.e",
    "sess:a",
];

/// A generator that anybody can repeat (xorshift64*).
struct Random(u64);

impl Random {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        usize::try_from(self.0.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 33).unwrap() % limit
    }

    fn bytes(&mut self) -> Vec<u8> {
        (0..self.below(200)).map(|_| u8::try_from(self.below(256)).unwrap()).collect()
    }

    /// Random bytes, a word that commands know, or the token with one byte changed or with its end cut off.
    fn argument(&mut self, token: &str) -> Vec<u8> {
        let mut changed = token.as_bytes().to_vec();
        let at = self.below(changed.len());
        match self.below(4) {
            0 => return self.bytes(),
            1 | 2 => return WORDS[self.below(WORDS.len())].as_bytes().to_vec(),
            _ if at.is_multiple_of(2) => changed.truncate(at),
            _ => changed[at] ^= 1,
        }
        changed
    }
}

/// Sends commands that nothing can be meant by. What they answer does not matter; that they answer does.
fn make_noise(conn: &mut Connection, token: &str, seed: u64, commands: usize) {
    let mut random = Random(seed);
    let mut pipeline = redis::Pipeline::with_capacity(100);
    pipeline.ignore_errors();
    for number in 0..commands {
        let mut command = redis::cmd(COMMANDS[random.below(COMMANDS.len())]);
        for _ in 0..random.below(9) {
            command.arg(random.argument(token));
        }
        pipeline.add_command(command);
        if number % 100 == 99 {
            let _: Vec<redis::Value> = pipeline.query(conn).expect("the server answers");
            pipeline.clear();
            pipeline.ignore_errors();
            // Now and then an owner, data and options happen to be good, and a session is made.
            let made: Vec<String> = send(conn, &["KEYS", "sess:{*"]).unwrap();
            for key in made.iter().filter(|key| !key.starts_with("sess:{ada}")) {
                let () = send(conn, &["DEL", key]).unwrap();
            }
        }
    }
}

fn without_others(conn: &mut Connection) -> std::collections::BTreeMap<String, (Vec<u8>, i64)> {
    contents(conn).into_iter().filter(|(key, _)| key.starts_with("sess:{ada}")).collect()
}

#[test]
fn noise_changes_nothing() {
    let mut server = Server::builder().arg("touch-interval", "60").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", r#"{"precious":true}"#, &[]);
    let before = without_others(conn);
    for seed in 1..=5 {
        make_noise(conn, &token, seed, 4000);
        assert_eq!(without_others(conn), before, "seed {seed}");
    }
    assert_eq!(get(conn, &token).unwrap().data, r#"{"precious":true}"#);
    assert!(server.alive());
    assert!(!server.log().contains("a defect of the module"), "{}", server.log());
}

#[test]
fn noise_leaks_nothing() {
    let server = Server::builder().arg("token-cache-size", "0").config("slowlog-max-len", "0").start();
    let conn = &mut server.conn();
    let token = create(conn, "ada", "{}", &[]);
    let used = |conn: &mut Connection| {
        make_noise(conn, &token, 7, 4000);
        let () = send(conn, &["JRS.RELOAD"]).unwrap();
        let _: redis::Value = send(conn, &["FLUSHALL"]).unwrap();
        let stats: Vec<redis::Value> = send(conn, &["MEMORY", "STATS"]).unwrap();
        let names = stats.chunks(2).map(|pair| (redis::from_redis_value_ref::<String>(&pair[0]).unwrap(), &pair[1]));
        let total = names.into_iter().find(|(name, _)| name == "total.allocated").unwrap().1;
        redis::from_redis_value_ref::<i64>(total).unwrap()
    };
    // The first rounds fill buffers and tables of the server; then the same noise has to leave nothing behind.
    let settled = (0..3).map(|_| used(conn)).max().unwrap();
    let after = (0..10).map(|_| used(conn)).min().unwrap();
    // Ten rounds of 4,000 commands: one byte leaked by each command would be 40,000 bytes.
    assert!(after - settled < 20_000, "{settled} bytes became {after}");
}
