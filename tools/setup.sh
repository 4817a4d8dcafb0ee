# shellcheck shell=bash
# What ./run and ./test share: sentences, steps with their time, packages, configuring and building.
# Sourced from the top folder with `set -euo pipefail`.

if [ -t 1 ]; then bold=$'\e[1m' dim=$'\e[2m' red=$'\e[31m' plain=$'\e[0m'; else bold='' dim='' red='' plain=''; fi

say() { printf '%s\n' "$*"; }

die() {
  printf '%s%s%s\n' "$red" "$*" "$plain" >&2
  exit 1
}

logs=build/log

# step_begin TITLE, step_end: a heading, and afterwards what it took.
step_begin() {
  step_title=$1
  step_start=$SECONDS
  say "$bold$step_title$plain"
}
step_end() { say "$dim  $(human_time $((SECONDS - step_start)))$plain"; }

human_time() {
  if (($1 < 60)); then printf '%d s' "$1"; else printf '%d min %02d s' $(($1 / 60)) $(($1 % 60)); fi
}

# Compilers at once: one a core, and a gigabyte of memory for each.
jobs() {
  local cores memory
  cores=$(nproc)
  memory=$(awk '/^MemAvailable/ { print int($2 / 1000000) }' /proc/meminfo)
  if ((memory < 1)); then memory=1; fi
  say $((cores < memory ? cores : memory))
}

# As root through sudo everything would belong to root, the model and the build included.
refuse_sudo() {
  if [ "$(id -u)" = 0 ] && [ -n "${SUDO_USER:-}" ] && [ "$(stat -c %u .)" != 0 ]; then
    die "$1: start it without sudo; only the installing of packages needs root, and it asks for that itself"
  fi
  if ! mkdir -p "$logs" 2>/dev/null || ! [ -w "$logs" ]; then
    die "$1: $PWD/$logs cannot be written to; make this folder yours (chown -R), or clone it again"
  fi
}

is_installed() { [ "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" = installed ]; }

# choose_package "NAME|NAME": the first that is installed or could be; the better name stands first.
choose_package() {
  local name names
  IFS='|' read -ra names <<<"$1"
  for name in "${names[@]}"; do
    if is_installed "$name" || apt-cache show "$name" >/dev/null 2>&1; then say "$name" && return; fi
  done
  say "${names[0]}"
}

# missing_packages FOR...: one a line.
missing_packages() {
  local purpose package command
  while read -r purpose package command; do
    case " $* " in *" $purpose "*) ;; *) continue ;; esac
    if [ -n "$command" ] && command -v "$command" >/dev/null; then continue; fi
    package=$(choose_package "$package")
    is_installed "$package" || say "$package"
  done < <(grep -v '^#' tools/packages.txt)
}

# need_packages COMMAND FOR...: installs what is missing, or says in one sentence how, for COMMAND.
need_packages() {
  local command=$1 missing
  shift
  if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    say "This system has no apt; the libraries of tools/packages.txt are taken to be there."
    return
  fi
  mapfile -t missing < <(missing_packages "$@")
  if ((${#missing[@]} == 0)); then return; fi

  local root=()
  if [ "$(id -u)" != 0 ]; then
    # sudo asks for the password where somebody can answer.
    if command -v sudo >/dev/null && { sudo -n true 2>/dev/null || { [ -t 0 ] && sudo -v; }; }; then
      root=(sudo)
    else
      die "Packages are missing and only root can install them; have this run once, then start $command again:
  apt-get update && apt-get install --no-install-recommends -y ${missing[*]}"
    fi
  fi
  step_begin "Installing ${#missing[@]} packages with apt, as root${root[0]:+ by sudo}"
  say "  ${missing[*]}"
  local apt=("${root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o DPkg::Lock::Timeout=300)
  if ! "${apt[@]}" update </dev/null >"$logs/apt.log" 2>&1; then
    say "  (apt-get update failed, trying with the lists that are here)"
  fi
  # The lists are fresh now, and may know a better name.
  mapfile -t missing < <(missing_packages "$@")
  if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >>"$logs/apt.log" 2>&1; then
    tail -n 12 "$logs/apt.log" >&2
    die "$command: installing packages failed; the lines above are the end of $logs/apt.log"
  fi
  step_end
}

# The newest of NAME-19 ... NAME, or nothing.
tool() {
  local name
  for name in "$1-19" "$1"; do
    if command -v "$name" >/dev/null; then say "$name" && return; fi
  done
}

# configure PRESET [OPTION...]: the options are for a folder without a build. One that was made at another place or
# on another release is made anew.
configure() {
  local preset=$1 log="$logs/configure-$1.log" cache="build/$1/CMakeCache.txt"
  shift
  if grep -qsxF "CMAKE_HOME_DIRECTORY:INTERNAL=$PWD" "$cache"; then
    if cmake --preset "$preset" >"$log" 2>&1; then return; fi
  fi
  rm -rf "$cache" "build/$preset/CMakeFiles"
  if ! cmake --preset "$preset" "$@" >"$log" 2>&1; then
    tail -n 15 "$log" >&2
    die "Configuring failed; the lines above are the end of $log"
  fi
}

# compile PRESET TARGET...: with ninja's own progress on a terminal, else a line now and then.
compile() {
  local preset=$1
  local ninja=(ninja -C "build/$preset" -j "$(jobs)" "${@:2}")
  export NINJA_STATUS='  [%f/%t, %e s] '
  if [ -t 1 ]; then
    "${ninja[@]}" && return
  else
    "${ninja[@]}" </dev/null 2>&1 | tee "$logs/build-$preset.log" | now_and_then && return
  fi
  die "Building failed (preset $preset); the first error above says where."
}

# One line of ninja's progress in 20 seconds, and everything that is not progress.
now_and_then() {
  local line last=$SECONDS
  while IFS= read -r line; do
    case $line in
      '  ['*)
        if ((SECONDS - last >= 20)); then
          last=$SECONDS
          say "$line"
        fi
        ;;
      'ninja: Entering'* | 'ninja: no work'*) ;;
      *) say "$line" ;;
    esac
  done
}
