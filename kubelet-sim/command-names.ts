// The commands by whose names a container's command is known to be one that can be run: shells, and the tools of
// machine/tools. Names only, so that nothing of the machine is loaded to judge by.

export const shellNames: ReadonlySet<string> = new Set(['sh', 'ash', 'bash', 'dash'])

export const toolNames: ReadonlySet<string> = new Set(
  (
    '[ arch awk base64 basename cat chgrp chmod chown cmp cp curl cut date dd df diff dig dirname du echo egrep env expr ' +
    'false fgrep find fold free getent grep groups gunzip gzip head hostname id ip kill ln ls md5sum mkdir mktemp mount mv ' +
    'nc netstat nl nohup nproc nslookup od paste ping printenv printf ps pwd readlink realpath rev rm rmdir sed seq ' +
    'sha1sum sha256sum sha512sum shuf sleep sort split stat tac tail tar tee test time timeout touch tr true truncate ' +
    'uname uniq uptime usleep watch wc wget which whoami xargs xxd yes zcat'
  ).split(' '),
)
