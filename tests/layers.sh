#!/bin/sh
# Checks the arrows app -> fs -> model -> api -> base: a file of a layer includes only its own layer, the next one below
# and base. (fs/ may pass api/client.h's priorities on through model/store.h, which includes it; app wires them all.)
root=${1:-.}
bad=0

allow() {
  layer=$1
  shift
  for file in "$root"/src/"$layer"/*.[ch] "$root"/src/"$layer"/*/*.[ch]; do
    [ -f "$file" ] || continue
    for include in $(sed -n 's/^#include "\([^"]*\)".*/\1/p' "$file"); do
      case " $layer $* " in
        *" ${include%%/*} "*) ;;
        *) echo "$file includes $include, which $layer may not see"; bad=1 ;;
      esac
    done
  done
}

[ -d "$root/src/base" ] || { echo "no src/base below $root"; exit 1; }
allow base
allow api base
allow model api base
allow fs model base
allow app fs model api base
exit $bad
