#!/usr/bin/env bash
# Installs what the tests and the browser need and this machine lacks. Knows Debian and its relatives;
# elsewhere it says what is missing. `install.sh run` asks only for what `make run` needs.
set -euo pipefail
need() { command -v "$1" >/dev/null 2>&1; }
need go || { echo "Opeka needs Go 1.26 or newer: https://go.dev/dl" >&2; exit 1; }
need node && need npm || { echo "Opeka needs Node 20 or newer with npm to build its console" >&2; exit 1; }
[ "${1:-test}" = run ] && exit 0

packages=()
compgen -G '/usr/lib/postgresql/*/bin/initdb' >/dev/null || need initdb || packages+=(postgresql)
need chromium || packages+=(chromium)
need dovecot || packages+=(dovecot-imapd) # the IMAP server of the mail journey
[ -x /usr/sbin/postfix ] || packages+=(postfix) # the mail server of another
fc-list 2>/dev/null | grep -qi 'noto color emoji' || packages+=(fontconfig fonts-noto-color-emoji fonts-dejavu-core)
need sipp || packages+=(sip-tester) # telephones and a proxy for the tests of calls
need baresip || packages+=(baresip-core)
need sipsak || packages+=(sipsak)
need kamailio || [ -x /usr/sbin/kamailio ] || packages+=(kamailio)
need espeak-ng || packages+=(espeak-ng) # speaks where no prompt was recorded
[ ${#packages[@]} -eq 0 ] && exit 0

sudo=
[ "$(id -u)" = 0 ] || sudo=sudo
if ! need apt-get || { [ -n "$sudo" ] && ! need sudo; }; then
  echo "Please install: ${packages[*]} (this script can do it only with apt-get and root or sudo)" >&2
  exit 1
fi
echo "Installing ${packages[*]}"
export DEBIAN_FRONTEND=noninteractive
$sudo apt-get update -qq
$sudo apt-get install -y -qq --no-install-recommends "${packages[@]}" >/dev/null
