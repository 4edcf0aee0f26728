# shellcheck shell=sh disable=SC2154
# SPDX-License-Identifier: GPL-2.0-only
#
# packages.sh: reads the table packaging/packages and installs what is missing from it. Sourced by run and test, which
# give it $src, say, die and need_root. Must not own: any name of a package.

package_family() {
	if command -v apt-get >/dev/null 2>&1; then echo apt
	elif command -v dnf >/dev/null 2>&1; then echo dnf
	else echo none; fi
}

package_names() { # FAMILY PURPOSE...
	awk -v family="$1" -v purposes=" $2 " '
		/^#/ || NF != 3 { next }
		index(purposes, " " $1 " ") { name = family == "apt" ? $2 : $3; if (name != "-") print name }
	' "$src/packaging/packages"
}

packages_missing() { # FAMILY NAME...
	family=$1
	shift
	if [ "$family" = apt ]; then
		have=$(dpkg-query -W -f='${db:Status-Status} ${Package}\n' "$@" 2>/dev/null)
		for name; do
			case "
$have
" in *"
installed $name
"*) ;; *) echo "$name" ;; esac
		done
	else
		for name; do rpm -q --whatprovides "$name" >/dev/null 2>&1 || echo "$name"; done
	fi
}

packages_install() { # FAMILY LOG NAME...
	family=$1 log=$2
	shift 2
	case $family in
	apt)
		export DEBIAN_FRONTEND=noninteractive
		{ LC_ALL=C apt-get update && LC_ALL=C apt-get install -y --no-install-recommends "$@"; } >"$log" 2>&1 </dev/null ;;
	dnf) dnf install -y --setopt=install_weak_deps=False "$@" >"$log" 2>&1 </dev/null ;;
	esac
}

# Installs what is missing for these purposes; ends the script when that fails.
packages_ensure() { # PURPOSES, as one word list; LOG
	family=$(package_family)
	if [ "$family" = none ]; then
		for tool in cc meson ninja pkg-config protoc-c; do
			command -v "$tool" >/dev/null 2>&1 ||
				die "neither apt-get nor dnf here, and $tool is missing: install what packaging/packages lists"
		done
		return 0
	fi
	# shellcheck disable=SC2046 # names of packages have no blanks
	missing=$(packages_missing "$family" $(package_names "$family" "$1"))
	[ -n "$missing" ] || return 0
	need_root "install packages"
	mkdir -p "$(dirname "$2")" || die "cannot make the directory of $2"
	# shellcheck disable=SC2086
	set -- "$2" $missing
	package_log=$1
	shift
	say "installing $# packages: $*"
	packages_install "$family" "$package_log" "$@" && return 0
	tail -n 5 "$package_log" >&2
	die "the packages could not be installed; the whole output is in $package_log"
}
