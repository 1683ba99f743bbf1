import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../..', import.meta.url))

// The programs are built once, with the console that was built before.
export default function setup() {
  execFileSync('go', ['build', '-o', 'bin/opeka-browser-test', './cmd/opeka'], { cwd: root, stdio: 'inherit' })
  execFileSync('go', ['build', '-o', 'bin/opeka-browser-woo', './test/world/woo/serve'], { cwd: root, stdio: 'inherit' })
  execFileSync('go', ['build', '-o', 'bin/opeka-browser-town', './test/world/trunk/serve'], { cwd: root, stdio: 'inherit' })
}
