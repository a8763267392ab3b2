// The load generator of scripts/bench --clients. For each line of JSON on its input it sends requests with autocannon, and
// prints a line of JSON with what it measured.
import { createInterface } from "node:readline";
import autocannon from "autocannon";

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await run(JSON.parse(line))));
}

/**
 * Sends `amount` requests, over one connection for each of `headers`. Resolves to the requests a second, the 99th
 * percentile of the latency in milliseconds, and what went wrong.
 */
function run({ url, method, headers, amount, body }) {
  const latencies = [];
  const wrong = { errors: 0, timeouts: 0, mismatches: 0, statuses: {} };
  const waiting = [...headers];
  const options = {
    url,
    method,
    amount,
    connections: headers.length,
    expectBody: body,
    timeout: 60,
    setupClient: (client) => client.setHeaders(waiting.pop()),
  };
  return new Promise((resolve, reject) => {
    const start = performance.now();
    let end = start;
    const instance = autocannon(options, (error, result) => {
      if (error) return reject(error);
      Object.assign(wrong, { errors: result.errors, timeouts: result.timeouts, mismatches: result.mismatches });
      latencies.sort((one, other) => one - other);
      const p99 = latencies[Math.ceil(latencies.length * 0.99) - 1];
      resolve({ count: latencies.length, rate: (latencies.length * 1000) / (end - start), p99, wrong });
    });
    instance.on("response", (_client, status, _bytes, latency) => {
      latencies.push(latency);
      end = performance.now();
      if (status !== 200) wrong.statuses[status] = (wrong.statuses[status] ?? 0) + 1;
    });
  });
}
