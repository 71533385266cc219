#compdef flipslot
# Completion of flipslot(1) for zsh: verbs, their options, apps, slots, files.

_flipslot_apps() {
	local -a apps
	apps=(/etc/flipslot/*.conf(N:t:r) /usr/lib/flipslot/*.conf(N:t:r) ${XDG_CONFIG_HOME:-$HOME/.config}/flipslot/*.conf(N:t:r))
	compadd -a apps
}

_flipslot() {
	local -a verbs options
	local first=2 verb
	[[ ${words[2]} != --(user|system) ]] || first=3
	if (( CURRENT == first )); then
		verbs=(${(f)"$(flipslot --help 2>/dev/null | sed -nE 's/^  ([a-z]+)( [a-z]+)?  .*/\1/p' | sort -u)"})
		compadd -a verbs
		(( first == 3 )) || compadd -- --user --system --help
		return
	fi
	verb=${words[first]}
	if [[ $verb == (key|repo|config|alert) ]]; then
		if (( CURRENT == first + 1 )); then
			verbs=(${(f)"$(flipslot --help 2>/dev/null | sed -nE "s/^  $verb ([a-z]+)  .*/\1/p")"})
			compadd -a verbs
			return
		fi
		verb="$verb ${words[first + 1]}"
	fi
	if [[ ${words[CURRENT]} == -* ]]; then
		options=(${(f)"$(flipslot ${=verb} --help 2>/dev/null | sed -nE 's/^ +(-.,)? *(--[a-z0-9-]+).*/\2/p')"})
		compadd -- $options
		return
	fi
	if [[ ${words[CURRENT - 1]} == --fault ]]; then
		compadd crash exit0 port-held hang slow-start leak ignore-term migrate
	elif (( CURRENT == first + 1 )) && [[ $verb != (pack|recover) && $verb != repo* && $verb != key* && $verb != alert* ]]; then
		_flipslot_apps
	elif (( CURRENT == first + 2 )) && [[ $verb == switch ]]; then
		compadd a b previous
	elif (( CURRENT == first + 2 )) && [[ $verb == verify ]]; then
		compadd a b current previous
	elif [[ $verb == 'config check' || $verb == alert\ * ]]; then
		_flipslot_apps
	else
		_files
	fi
}

_flipslot "$@"
