# fish completion for zohofs

function __zohofs_profiles
    set -l base $HOME/.config
    set -q XDG_CONFIG_HOME; and set base $XDG_CONFIG_HOME
    for file in $base/zohofs/*.conf
        string replace -r '.*/(.*)\.conf$' '$1' -- $file
    end
end

function __zohofs_is
    set -l words (commandline -opc)
    test (count $words) -gt 1; and contains -- $words[2] $argv
end

set -l first 'test (count (commandline -opc)) -eq 1'
complete -c zohofs -f
complete -c zohofs -n $first -a login -d 'sign in'
complete -c zohofs -n $first -a logout -d 'revoke the sign-in'
complete -c zohofs -n $first -a status -d 'what the mounts are doing'
complete -c zohofs -n $first -a why -d 'why a save was refused'
complete -c zohofs -n $first -a drain -d 'send what waits'
complete -c zohofs -n $first -a audit -d 'who changed what'
complete -c zohofs -n $first -a query -d 'rows by COQL'
complete -c zohofs -n $first -a doctor -d 'what keeps a mount from working'
complete -c zohofs -n 'not __zohofs_is why' -a '(__zohofs_profiles)' -d profile
complete -c zohofs -n 'not __zohofs_is login logout doctor why' -a '(__fish_complete_directories)'
complete -c zohofs -n '__zohofs_is why' -F
complete -c zohofs -n '__zohofs_is status audit doctor query' -l json -d 'for programs'
complete -c zohofs -n '__zohofs_is status' -l watch -d 'again every two seconds'
complete -c zohofs -n '__zohofs_is audit' -l since -x -a '30m 2h 1d 7d' -d 'from when on'
for switch in device read-only show-scopes no-browser keyring
    complete -c zohofs -n '__zohofs_is login' -l $switch
end
for switch in self-client modules port
    complete -c zohofs -n '__zohofs_is login' -l $switch -x
end
complete -c zohofs -n '__zohofs_is logout' -l force -d 'also when Zoho cannot be told'
for switch in jsonl csv table
    complete -c zohofs -n '__zohofs_is query' -l $switch
end
complete -c zohofs -n '__zohofs_is login' -l refresh-token -x -a - -d 'from standard input'
complete -c zohofs -n '__zohofs_is login' -l client-secret-file -r -F -d 'file of the client secret'
complete -c zohofs -s h -l help -d 'show what it takes'
complete -c zohofs -n $first -s V -l version -d 'show the version'
complete -c zohofs -n 'not __zohofs_is login logout status why drain query audit doctor' -s f -l foreground -d 'stay in the foreground'
complete -c zohofs -n 'not __zohofs_is login logout status why drain query audit doctor' -s d -l debug -d 'trace each operation'
complete -c zohofs -n 'not __zohofs_is status why drain query' -s o -x -d 'options' -a 'ttl= sweep= offline=stale offline=fail names=label names=id folders ro rw dry_run stale=refuse stale=overwrite max_deletes= noopen log=error log=warning log=info log=debug config= state_dir= cache_dir= allow_other allow_root default_permissions nosuid nodev noexec noatime'
