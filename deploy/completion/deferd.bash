# SPDX-License-Identifier: GPL-2.0-only OR MIT
# bash completion for deferd: commands, and the options that each command's --help lists.
_deferd() {
	local cur=${COMP_WORDS[COMP_CWORD]} command=${COMP_WORDS[1]}
	if [ "$COMP_CWORD" = 1 ]; then
		mapfile -t COMPREPLY < <(compgen -W "$(deferd --help 2>/dev/null | sed -n 's/^  \([a-z][a-z-]*\) .*/\1/p')" -- "$cur")
		return
	fi
	case $cur in
	-*)
		mapfile -t COMPREPLY < <(compgen -W "$(deferd "$command" --help 2>/dev/null |
			sed -n 's/^  .*\(--[a-z.-]*\).*/\1/p')" -- "$cur")
		;;
	*)
		case $command in
		probes)
			if [ "$COMP_CWORD" = 3 ]; then
				mapfile -t COMPREPLY < <(compgen -W 'lean full burst off default' -- "$cur")
			else
				mapfile -t COMPREPLY < <(compgen -W "$(deferd ps --no-headers 2>/dev/null | awk '{ print $1 }')" -- "$cur")
			fi
			;;
		trace | record | ps | panics | goroutines | locks) mapfile -t COMPREPLY < <(compgen -W "$(deferd ps --no-headers 2>/dev/null | awk '{ print $1 }')" -- "$cur") ;;
		report) mapfile -t COMPREPLY < <(compgen -W "$(deferd report --no-headers 2>/dev/null | awk '{ print $1 }')" -- "$cur") ;;
		fds) mapfile -t COMPREPLY < <(compgen -W "$(deferd fds --no-headers 2>/dev/null | awk '{ print $1 }')" -- "$cur") ;;
		*) mapfile -t COMPREPLY < <(compgen -f -- "$cur") ;;
		esac
		;;
	esac
}
complete -F _deferd deferd
