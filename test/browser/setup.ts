import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

// The program is built once, with the console that was built before it.
export default function setup() {
  execFileSync('go', ['build', '-o', 'bin/opeka-browser-test', './cmd/opeka'], { cwd: root, stdio: 'inherit' })
}
