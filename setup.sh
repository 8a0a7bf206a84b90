#!/usr/bin/env bash
# Prepares this checkout: Debian packages that are missing, a virtual environment, Python packages.
# Run it as often as you like; what is already there is left alone.
#
#   ./setup.sh run     what the till and its demo shop need
#   ./setup.sh test    the same, and what the checks need (Chromium, PostgreSQL, Xvfb …)
#
# CAMERA=1                    with run: camera support, too (175 MB more; the test set has it anyway)
# PYTHON=/path/to/python      use this interpreter (3.11 or newer)
# GUIDEPOS_SKIP_PACKAGES=1    do not look at Debian packages at all
# CI=true                     never ask; say plainly what is missing and stop
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"
readonly ROOT=$PWD VENV=$PWD/.venv
readonly KIND=${1:-run}

say() { printf '· %s\n' "$*"; }
stop() { printf '✗ %s\n' "$*" >&2; exit 1; }

# Qt's libraries by what they are for; docs/PLATFORMS.md says how the list was found.
readonly RUN_PACKAGES=(
    libgl1 libegl1 libxkbcommon0 libglib2.0-0 libfontconfig1 libdbus-1-3             # Qt Quick
    libxkbcommon-x11-0 libxcb-cursor0 libxcb-icccm4 libxcb-keysyms1 libxcb-shape0    # X11 window
    libwayland-cursor0 libwayland-egl1                                               # Wayland window
    libzbar0                                                                         # reads codes
    fonts-wqy-microhei    # characters in names that the till's own font subset leaves out
)
readonly CAMERA_PACKAGES=(
    libpulse0 libxrandr2  # QtMultimedia asks for them, sound or not
)
readonly TEST_PACKAGES=(
    "${CAMERA_PACKAGES[@]}"
    chromium              # the customer's page in a real browser
    postgresql            # the cloud's tests start private servers; the system's own is not touched
    xvfb                  # the till's window on X11
    binutils              # PyInstaller reads libraries with objdump
    gcc libc6-dev         # the disk's torture compiles its layer under the C library
    dbus gnome-keyring    # the store's key in a real secret service
)

installed() {  # installed NAME: true when dpkg has it, also under its 64-bit-time name (Debian 13)
    # dpkg-query fails as soon as one name is unknown, and still prints the others.
    { dpkg-query -W -f '${db:Status-Status}\n' "$1" "$1t64" 2>/dev/null || true; } | grep -qx installed
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    stop "Python 3.11 or newer was not found. On Debian 12: apt install python3 python3-venv"
}

missing_packages() {
    local wanted=("${RUN_PACKAGES[@]}") name
    [ -n "${CAMERA:-}" ] && wanted+=("${CAMERA_PACKAGES[@]}")
    [ "$KIND" = test ] && wanted+=("${TEST_PACKAGES[@]}")
    for name in "${wanted[@]}"; do
        installed "$name" || echo "$name"
    done
    # Debian's own interpreter comes without the part that makes virtual environments.
    if [ ! -x "$VENV/bin/python" ] && ! "$PYTHON_FOUND" -c 'import ensurepip' 2>/dev/null; then
        "$PYTHON_FOUND" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'
    fi
}

install_packages() {
    [ -z "${GUIDEPOS_SKIP_PACKAGES:-}" ] || return 0
    if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
        say "Not a Debian system: system libraries are left to you (docs/PLATFORMS.md lists them)."
        return 0
    fi
    local missing
    mapfile -t missing < <(missing_packages)
    [ ${#missing[@]} -gt 0 ] || return 0

    local by_hand="apt-get install --no-install-recommends ${missing[*]}"
    local sudo=()
    say "Missing Debian packages: ${missing[*]}"
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            stop "Installing them needs root. Run as root: $by_hand"
        elif [ -t 0 ] && [ "${CI:-}" != true ]; then
            local answer
            read -r -p "  Install them now with sudo? [Y/n] " answer
            case $answer in [nN]*) stop "Nothing was installed. By hand: sudo $by_hand" ;; esac
            sudo=(sudo)
        elif sudo -n true 2>/dev/null && [ "${CI:-}" = true ]; then
            sudo=(sudo -n)
        else
            stop "Nobody here to ask for permission. Run: sudo $by_hand"
        fi
    fi
    say "Installing them with apt (once; the test set with Chromium takes a few minutes) …"
    local apt=("${sudo[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -q -o Dpkg::Use-Pty=0)
    local log=build/setup-apt.log
    mkdir -p build
    "${apt[@]}" update >"$log" 2>&1 || say "apt-get update had trouble; trying with the lists at hand."
    if ! "${apt[@]}" install -y --no-install-recommends "${missing[@]}" </dev/null >>"$log" 2>&1; then
        tail -n 15 "$log" >&2
        stop "apt could not install everything ($log has all it said). Try: $by_hand"
    fi
}

fingerprint() {  # what decides whether the virtual environment is still the right one
    { sed '/^\[tool\./,$d' pyproject.toml; cat constraints.txt; echo "$ROOT ${CAMERA:-}"; "$VENV/bin/python" -V; } | sha256sum | cut -d' ' -f1
}

fresh() {  # fresh KIND: true when that set was installed for exactly these files
    [ -x "$VENV/bin/python" ] && [ "$(cat "$VENV/.setup-$1" 2>/dev/null)" = "$(fingerprint)" ]
}

install_python_packages() {
    if fresh test || { [ "$KIND" = run ] && fresh run; }; then
        return
    fi
    if ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
        say "Making the virtual environment .venv with $("$PYTHON_FOUND" -V) …"
        "$PYTHON_FOUND" -m venv --clear "$VENV"
    fi
    local extras=cloud${CAMERA:+,camera}
    [ "$KIND" = test ] && extras=cloud,dev
    rm -f "$VENV"/.setup-*
    say "Installing Python packages (.[$extras]) …"
    local arguments=(-q -c constraints.txt -e ".[$extras]")
    # uv is quicker but reads no pip settings, so pip has the last word.
    if ! { command -v uv >/dev/null && uv pip install --python "$VENV/bin/python" "${arguments[@]}" 2>/dev/null; }; then
        "$VENV/bin/python" -m pip install --disable-pip-version-check "${arguments[@]}" </dev/null
    fi
    fingerprint | tee "$VENV/.setup-run" >/dev/null
    [ "$KIND" = run ] || fingerprint >"$VENV/.setup-test"
    say "Ready."
}

case $KIND in run | test) ;; *) stop "usage: ./setup.sh run|test" ;; esac
PYTHON_FOUND=$(find_python)
install_packages
install_python_packages
