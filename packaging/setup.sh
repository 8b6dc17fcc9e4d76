# shellcheck shell=bash disable=SC2034
# Sourced by start and test: brings the machine to the point where radviewer runs.

repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
python=$repository/.venv/bin/python

# What a window needs, and the Debian package that brings it.
window_needs=(
  libEGL.so.1=libegl1 libGL.so.1=libgl1 libX11.so.6=libx11-6 libX11-xcb.so.1=libx11-xcb1
  libXcursor.so.1=libxcursor1
  libxkbcommon.so.0=libxkbcommon0 libxkbcommon-x11.so.0=libxkbcommon-x11-0
  libxcb-cursor.so.0=libxcb-cursor0 libxcb-glx.so.0=libxcb-glx0 libxcb-icccm.so.4=libxcb-icccm4
  libxcb-image.so.0=libxcb-image0 libxcb-keysyms.so.1=libxcb-keysyms1 libxcb-randr.so.0=libxcb-randr0
  libxcb-render.so.0=libxcb-render0 libxcb-render-util.so.0=libxcb-render-util0 libxcb-shape.so.0=libxcb-shape0
  libxcb-shm.so.0=libxcb-shm0 libxcb-sync.so.1=libxcb-sync1 libxcb-util.so.1=libxcb-util1
  libxcb-xfixes.so.0=libxcb-xfixes0 libxcb-xkb.so.1=libxcb-xkb1
  libdbus-1.so.3=libdbus-1-3 libfontconfig.so.1=libfontconfig1 libglib-2.0.so.0=libglib2.0-0
  fonts=fonts-dejavu-core
)
# What the tests need besides: a virtual screen with OpenGL drawn by the processor.
test_needs=(Xvfb=xvfb xvfb-run=xvfb xauth=xauth "/usr/lib/*/dri/*_dri.so=libgl1-mesa-dri")

say() { echo "radviewer: $*" >&2; }
fail() { say "$@"; exit 1; }

is_there() { # NAME: a shared library, a path pattern, "fonts" or a command
  case $1 in
    *.so.*) grep -qF "$1 (" <<<"$libraries" ;;
    /*) compgen -G "$1" >/dev/null ;;
    fonts) [ -n "$(find /usr/share/fonts /usr/local/share/fonts -name '*.[ot]tf' -print -quit 2>/dev/null)" ] ;;
    *) command -v "$1" >/dev/null ;;
  esac
}

need() { # NAME=PACKAGE…: installs the packages of what is missing
  local libraries entry missing=()
  libraries=$(PATH=$PATH:/sbin:/usr/sbin ldconfig -p 2>/dev/null) || return 0 # not a glibc Linux: Qt itself will tell
  for entry in "$@"; do
    is_there "${entry%=*}" || missing+=("${entry##*=}")
  done
  [ ${#missing[@]} -eq 0 ] || install_packages "${missing[@]}"
}

install_packages() { # PACKAGE…
  local command="apt-get install -y --no-install-recommends $*"
  command -v apt-get >/dev/null ||
    fail "these system packages (by their Debian names) are missing, install them and start again: $*"
  [ "$(id -u)" = 0 ] || fail "system packages are missing, install them and start again:  sudo $command"
  say "installing system packages: $*"
  apt-get update -qq >&2 || say "the lists of packages could not be updated, trying with the old ones"
  DEBIAN_FRONTEND=noninteractive $command -qq >&2 ||
    fail "the system packages could not be installed (see above); the command was:  $command"
}

find_python() { # prints the first Python that is new enough
  local name
  for name in python3 python3.11 python3.12 python3.13; do
    if "$name" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$name"
      return
    fi
  done
  return 1
}

make_environment() {
  local base
  find_python >/dev/null || install_packages python3 python3-venv
  base=$(find_python) || fail "Python 3.11 or newer is needed, and this system's packages bring none"
  "$base" -c 'import ensurepip, venv' 2>/dev/null || install_packages python3-venv
  "$base" -m venv --clear "$repository/.venv"
}

set_up() { # EXTRA: demo or dev; does nothing when nothing has changed
  local extra=$1 wanted lock have quiet=--quiet
  wanted=$(sha256sum <"$repository/pyproject.toml")$repository
  exec {lock}<"$repository"
  if command -v flock >/dev/null; then flock "$lock"; fi # two starts at once: one sets up, the other waits
  for have in "$extra" dev; do # dev brings all that demo brings
    if [ "$(cat "$repository/.venv/installed-$have" 2>/dev/null)" = "$wanted" ] && "$python" -c '' 2>/dev/null; then
      exec {lock}<&-
      return
    fi
  done
  "$python" -m pip --version >/dev/null 2>&1 || make_environment
  say "installing Python packages into $repository/.venv (a few minutes the first time)"
  [ ! -t 2 ] || quiet=
  "$python" -m pip install $quiet --editable "${repository}[$extra]" >&2 ||
    fail "the Python packages could not be installed (see above)"
  echo "$wanted" >"$repository/.venv/installed-$extra"
  exec {lock}<&-
}
