// Compiles src twice: to dist/esm for `import` and to dist/cjs for `require`, both with types.
import { execFileSync } from "node:child_process";
import { rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const compiler = createRequire(import.meta.url).resolve("typescript/lib/tsc.js");

rmSync(join(root, "dist"), { recursive: true, force: true });
for (const kind of ["esm", "cjs"]) {
  execFileSync(process.execPath, [compiler, "--project", join(root, `tsconfig.${kind}.json`)], { stdio: "inherit" });
}
// package.json says that .js files are ES modules. In this folder they are CommonJS.
writeFileSync(join(root, "dist/cjs/package.json"), '{ "type": "commonjs" }\n');
