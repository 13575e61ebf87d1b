# shellcheck shell=bash
# The .NET SDK for scripts/test, scripts/demo and scripts/bench. Sourced, never run; needs tools.sh.

# Says in plain words what is missing, and settles what the SDK would otherwise decide by surprise.
ensure_dotnet() {
  local wanted here candidate
  wanted=$(sed -n 's/.*"version": *"\([^"]*\)".*/\1/p' "$_dbaccess_repository/global.json")
  if ! command -v dotnet >/dev/null; then
    for candidate in "${DOTNET_ROOT:-}" "${HOME:-}/.dotnet"; do
      [ -n "$candidate" ] && [ -x "$candidate/dotnet" ] && export DOTNET_ROOT=$candidate PATH=$candidate:$PATH && break
    done
  fi
  if ! command -v dotnet >/dev/null; then
    _dbaccess_say "The .NET SDK is needed and was not found. Install version $wanted or a later ${wanted%.*.*}: https://dotnet.microsoft.com/download"
    return 1
  fi

  # The SDK writes below HOME; a service account often has none that it can write to.
  if [ -z "${HOME:-}" ] || [ ! -w "$HOME" ]; then
    here=${TMPDIR:-/tmp}
    here=${here%/}/dbaccess-home-$(id -u)
    (umask 077 && mkdir -p "$here")
    if [ -L "$here" ] || [ ! -O "$here" ]; then
      _dbaccess_say "HOME cannot be written to and $here belongs to somebody else; set HOME to a folder of your own."
      return 1
    fi
    export HOME=$here DOTNET_CLI_HOME=$here
    export XDG_CACHE_HOME=${XDG_CACHE_HOME:-$here/.cache} NUGET_PACKAGES=${NUGET_PACKAGES:-$here/packages}
  fi

  export DOTNET_NOLOGO=1 DOTNET_CLI_TELEMETRY_OPTOUT=1 DOTNET_SKIP_FIRST_TIME_EXPERIENCE=1 DOTNET_GENERATE_ASPNET_CERTIFICATE=false
  # Build helpers outlive a build by minutes; what a script starts, it also stops.
  export MSBUILDDISABLENODEREUSE=1 UseSharedCompilation=false

  # global.json decides; dotnet answers with the version it takes, or not at all.
  if ! (cd "$_dbaccess_repository" && dotnet --version) >/dev/null 2>&1; then
    here=$(dotnet --list-sdks 2>/dev/null | sed 's/ .*//' | paste -sd, - | sed 's/,/, /g')
    _dbaccess_say "The .NET SDK $wanted or a later ${wanted%.*.*} is needed (global.json); this machine has: ${here:-none}. Get it from https://dotnet.microsoft.com/download"
    return 1
  fi
}

# Builds quietly: what the build says is shown only when it fails. The first argument is told to the reader.
build_quietly() {
  local what=$1 log
  shift
  log=$(mktemp)
  _dbaccess_say "Building $what ..."
  if ! with_one_compiler build "$@" >"$log" 2>&1 </dev/null; then
    # A failed build lists every error twice, once as it happens and once in its summary.
    awk '!seen[$0]++' "$log" >&2
    rm -f -- "$log"
    _dbaccess_say "The build of $what failed; see the lines above."
    return 1
  fi
  rm -f -- "$log"
}

# with_one_compiler build|publish [ARGUMENT …]: dotnet's, in the repository. One compiler serves all projects of the build, so that it and the analyzers
# are compiled themselves only once; it is stopped with it.
with_one_compiler() (
  compiler=dbaccess-$$-$RANDOM
  cd "$_dbaccess_repository" || exit 1
  trap '_dbaccess_stop_compiler "$compiler"' EXIT
  dotnet "$@" --nologo -v q -nodeReuse:false -p:UseSharedCompilation=true -p:SharedCompilationId="$compiler"
)

# There is none where nothing had to be compiled.
_dbaccess_stop_compiler() {
  local version folder
  version=$(dotnet --version) || return 0
  folder=$(dotnet --list-sdks | sed -n "s/^$version \[\(.*\)\]\$/\1/p")/$version/Roslyn/bincore
  if [ -x "$folder/VBCSCompiler" ]; then
    "$folder/VBCSCompiler" "-pipename:$1" -shutdown >/dev/null 2>&1 || true
  elif [ -e "$folder/VBCSCompiler.dll" ]; then
    dotnet "$folder/VBCSCompiler.dll" "-pipename:$1" -shutdown >/dev/null 2>&1 || true
  fi
}
