# bash completion for zohofs

_zohofs_profiles() {
  local file

  for file in "${XDG_CONFIG_HOME:-$HOME/.config}"/zohofs/*.conf; do
    [ -e "$file" ] || continue
    file=${file##*/}
    printf '%s\n' "${file%.conf}"
  done
}

_zohofs_switches() {
  case ${COMP_WORDS[1]} in
    login)
      echo '--device --self-client --refresh-token --read-only --modules --show-scopes --port --no-browser --keyring
        --client-secret-file -o -h --help' ;;
    logout) echo '--force -o -h --help' ;;
    status) echo '--json --watch -h --help' ;;
    audit) echo '--json --since -o -h --help' ;;
    doctor) echo '--json -o -h --help' ;;
    query) echo '--json --jsonl --csv --table -h --help' ;;
    why | drain) echo '-h --help' ;;
    *) echo '-f --foreground -d --debug -o -h --help -V --version' ;;
  esac
}

_zohofs() {
  local current=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD-1]}
  local options='ttl= sweep= offline=stale offline=fail names=label names=id folders ro dry_run stale=refuse
    stale=overwrite max_deletes= noopen log=error log=warning log=info log=debug config= state_dir= cache_dir= allow_other allow_root
    default_permissions nosuid nodev noexec noatime'
  local before=''

  COMPREPLY=()
  case $previous in
    -o)
      [[ $current != *,* ]] || before=${current%,*},
      mapfile -t COMPREPLY < <(compgen -P "$before" -W "$options" -- "${current##*,}")
      compopt -o nospace
      return ;;
    --client-secret-file)
      mapfile -t COMPREPLY < <(compgen -f -- "$current")
      compopt -o filenames
      return ;;
    --since)
      mapfile -t COMPREPLY < <(compgen -W '30m 2h 1d 7d' -- "$current")
      return ;;
    --refresh-token | --self-client)
      COMPREPLY=(-)
      return ;;
  esac
  case $current in
    -*)
      mapfile -t COMPREPLY < <(compgen -W "$(_zohofs_switches)" -- "$current")
      return ;;
  esac
  if [ "$COMP_CWORD" -eq 1 ]; then
    mapfile -t COMPREPLY < <(compgen -W "login logout status why drain query audit doctor $(_zohofs_profiles)" -- "$current"; compgen -d -- "$current")
  elif [ "${COMP_WORDS[1]}" = why ]; then
    mapfile -t COMPREPLY < <(compgen -f -- "$current")
  elif [[ ${COMP_WORDS[1]} = @(login|logout|doctor) ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_zohofs_profiles)" -- "$current")
  elif [[ ${COMP_WORDS[1]} = @(status|drain|audit) ]]; then
    mapfile -t COMPREPLY < <(compgen -W "$(_zohofs_profiles)" -- "$current"; compgen -d -- "$current")
  else
    mapfile -t COMPREPLY < <(compgen -d -- "$current")
  fi
  compopt -o filenames
}

complete -F _zohofs zohofs
