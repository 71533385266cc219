# Completion of flipslot(1) for bash: verbs, their options, apps, slots, files.

_flipslot_apps() {
	local dir
	for dir in /etc/flipslot /usr/lib/flipslot "${XDG_CONFIG_HOME:-$HOME/.config}/flipslot"; do
		find -L "$dir" -maxdepth 1 -name '*.conf' -type f -printf '%f\n' 2>/dev/null
	done | sed 's/\.conf$//' | sort -u
}

_flipslot_verbs() { flipslot --help 2>/dev/null | sed -nE 's/^  ([a-z]+)( [a-z]+)?  .*/\1\2/p'; }

# Options of the verb in $1 (one word or two), as its --help lists them.
_flipslot_options() {
	# shellcheck disable=SC2086 # two words
	flipslot $1 --help 2>/dev/null | sed -nE 's/^ +(-.,)? *(--[a-z0-9-]+).*/\2/p'
}

_flipslot() {
	local word=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} verb='' first=1 words=''
	[[ ${COMP_WORDS[1]-} != --user && ${COMP_WORDS[1]-} != --system ]] || first=2
	verb=${COMP_WORDS[first]-}
	COMPREPLY=()
	if ((COMP_CWORD == first)); then
		words="$(_flipslot_verbs | cut -d' ' -f1 | sort -u)"
		((first == 2)) || words+=" --user --system --help"
	elif [[ " key repo config alert " == *" $verb "* ]]; then
		if ((COMP_CWORD == first + 1)); then
			words=$(_flipslot_verbs | sed -n "s/^$verb //p")
		else
			verb+=" ${COMP_WORDS[first + 1]}"
		fi
	fi
	if [[ -z $words && $word == -* ]]; then
		words=$(_flipslot_options "$verb")
	elif [[ -z $words ]]; then
		case $verb in
		'config check' | 'alert test' | 'alert send' | \
			install | check | update | plan | switch | rollback | cancel | hold | unhold | forgive | inhibit | health | status | follow | history | \
			list | verify | scrub | doctor | drill | units | source | run | failed | started | metrics | events | report)
			((COMP_CWORD > first + 1)) || words=$(_flipslot_apps)
			[[ $verb != *' '* ]] || words=$(_flipslot_apps)
			;;
		esac
		if ((COMP_CWORD == first + 2)); then
			case $verb in
			switch) words='a b previous' ;;
			health) words='okay waiting error' ;;
			verify) words='a b current previous' ;;
			esac
		fi
		case $previous in
		--fault) words='crash exit0 port-held hang slow-start leak ignore-term migrate' ;;
		--group | group) words=$(sed -n 's/^Name=//p' /etc/flipslot/*.conf "${XDG_CONFIG_HOME:-$HOME/.config}"/flipslot/*.conf 2>/dev/null | sort -u) ;;
		--unit) words=$(systemctl list-unit-files --type=service --no-legend 2>/dev/null | cut -d' ' -f1) ;;
		esac
	fi
	if [[ -n $words ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
	else
		compopt -o default
	fi
}

complete -F _flipslot flipslot
