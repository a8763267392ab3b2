//! Random commands of JRS and of the server on the same keys in two databases: the index agrees with the keys after each.

use redis::{Connection, RedisResult, Value};

use crate::support::{
    Server, await_that,
    index_check::{ADA, BOB, assert_index_follows},
    session_model::rng::Rng,
    sessions::{exec, millis, send},
    tokens::SECRET,
};

const STEPS: usize = 400;

struct Simulation {
    conn: Connection,
    rng: Rng,
    tokens: Vec<String>,
}

impl Simulation {
    /// A key with the name of a session, usually one that exists.
    fn key(&mut self) -> String {
        let keys: Vec<String> =
            if self.rng.below(2) == 0 { send(&mut self.conn, &["KEYS", "*"]).unwrap() } else { Vec::new() };
        let fixed = [&ADA[..], &BOB[..], &["plain"]].concat();
        if keys.is_empty() { self.rng.one_of(&fixed).to_owned() } else { keys[self.rng.below(keys.len())].clone() }
    }

    fn token(&mut self) -> String {
        if self.tokens.is_empty() { "none".to_owned() } else { self.tokens[self.rng.below(self.tokens.len())].clone() }
    }

    fn step(&mut self) {
        let (one, other) = (self.key(), self.key());
        let (token, owner) = (self.token(), self.rng.one_of(&["ada", "bob"]));
        let steps: [&[&str]; 26] = [
            &["SET", &one, "x"],
            &["SET", &one, "x", "EX", "100"],
            &["SET", &one, "x", "PX", "1"],
            &["MSET", &one, "x", &other, "y"],
            &["APPEND", &one, "x"],
            &["DEL", &one],
            &["UNLINK", &one, &other],
            &["GETDEL", &one],
            &["RENAME", &one, &other],
            &["RENAMENX", &one, &other],
            &["COPY", &one, &other],
            &["COPY", &one, &other, "REPLACE"],
            &["MOVE", &one, "1"],
            &["MOVE", &one, "0"],
            &["PEXPIRE", &one, "1"],
            &["PEXPIREAT", &one, "1"],
            &["RPUSH", &one, "x"],
            &["RPOP", &one],
            &["SWAPDB", "0", "1"],
            &["SELECT", self.rng.one_of(&["0", "1"])],
            &["JRS.CREATE", owner, "{}"],
            &["JRS.CREATE", owner, "{}", "PX", "20"],
            &["JRS.ROTATE", &token, "OWNER", owner],
            &["JRS.DESTROY", &token],
            &["JRS.REVOKE", &one],
            &["JRS.DESTROYALL", owner],
        ];
        let words = match self.rng.below(120) {
            0 => &["FLUSHDB"][..],
            1 => &["FLUSHALL", "ASYNC"],
            2 => &["DEBUG", "RELOAD"],
            number => steps[number % steps.len()],
        };
        // Many are refused: the key does not exist or has another type.
        let reply: RedisResult<Value> = send(&mut self.conn, words);
        if let (true, Ok(Value::BulkString(token))) = (matches!(words[0], "JRS.CREATE" | "JRS.ROTATE"), reply) {
            self.tokens.push(String::from_utf8(token).unwrap());
        }
    }
}

/// Runs the random commands. Returns the largest number of sessions, and the number of tokens.
fn run(seed: u64) -> [usize; 2] {
    let server = Server::builder().keys(SECRET.as_bytes()).config("enable-debug-command", "yes").start();
    exec(&mut server.conn(), &["CONFIG", "SET", "jrs.max-sessions", "4"]);
    let mut simulation = Simulation { conn: server.conn(), rng: Rng::new(seed), tokens: Vec::new() };
    let mut most = 0;
    for _ in 0..STEPS {
        simulation.step();
        let conn = &mut simulation.conn;
        // No key may expire during the check.
        await_that("the expiry of keys with a short TTL", || {
            let script = "for database = 0, 1 do
                redis.call('SELECT', database)
                local keys = redis.call('KEYS', '*')
                if #keys ~= redis.call('DBSIZE') then return 1 end
                for _, key in ipairs(keys) do
                    local left = redis.call('PTTL', key)
                    if left ~= -1 and left < 5000 then return 1 end
                end
            end
            return 0";
            (send::<i64>(conn, &["EVAL", script, "0"]).unwrap() == 0).then_some(())
        });
        most = most.max(assert_index_follows(conn));
    }
    [most, simulation.tokens.len()]
}

#[test]
fn a_known_seed_agrees() {
    let [most, tokens] = run(20_261_126);
    assert!(most > 4 && tokens > 20, "{most} sessions, {tokens} tokens");
}

#[test]
fn a_random_seed_agrees() {
    // The numbers depend on the seed.
    let [most, tokens] = run(millis().unsigned_abs().wrapping_mul(0x9e37_79b9_7f4a_7c15));
    assert!(most > 0 && tokens > 0);
}
