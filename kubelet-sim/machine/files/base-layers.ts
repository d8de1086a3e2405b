// What images are built upon, as data: a busybox-like root, an alpine-like one and a debian-like one. kubelet-sim/images lays its
// families over these.

import type { Layer, LayerEntry } from './layer.ts'

/** Everything busybox is asked for; each is a file of its own in /bin. */
export const busyboxApplets: readonly string[] = [
  ...['[', 'arch', 'ash', 'awk', 'base64', 'basename', 'cat', 'chgrp', 'chmod', 'chown', 'clear', 'cmp', 'cp', 'cut'],
  ...['date', 'dd', 'df', 'diff', 'dirname', 'dmesg', 'dnsdomainname', 'du', 'echo', 'egrep', 'env', 'expr', 'factor'],
  ...['false', 'fgrep', 'find', 'fold', 'free', 'getopt', 'grep', 'groups', 'gunzip', 'gzip', 'head', 'hexdump'],
  ...['hostid', 'hostname', 'id', 'ifconfig', 'ip', 'kill', 'less', 'link', 'ln', 'logger', 'logname', 'ls', 'md5sum'],
  ...['mkdir', 'mktemp', 'more', 'mount', 'mv', 'nc', 'netstat', 'nl', 'nohup', 'nproc', 'nslookup', 'od', 'paste'],
  ...[
    'pgrep',
    'pidof',
    'ping',
    'ping6',
    'pkill',
    'printenv',
    'printf',
    'ps',
    'pwd',
    'readlink',
    'realpath',
    'rev',
    'rm',
  ],
  ...[
    'rmdir',
    'route',
    'sed',
    'seq',
    'sh',
    'sha1sum',
    'sha256sum',
    'sha512sum',
    'shuf',
    'sleep',
    'sort',
    'split',
    'stat',
  ],
  ...[
    'strings',
    'stty',
    'su',
    'sync',
    'sysctl',
    'tac',
    'tail',
    'tar',
    'tee',
    'telnet',
    'test',
    'time',
    'timeout',
    'top',
  ],
  ...['touch', 'tr', 'traceroute', 'true', 'truncate', 'tty', 'umount', 'uname', 'uniq', 'unlink', 'uptime', 'usleep'],
  ...['users', 'vi', 'watch', 'wc', 'wget', 'which', 'whoami', 'xargs', 'xxd', 'yes', 'zcat'],
]

const folders: Readonly<Record<string, LayerEntry>> = {
  '/dev': { directory: true },
  '/etc': { directory: true },
  '/home': { directory: true },
  '/proc': { directory: true, mode: 0o555 },
  '/root': { directory: true, mode: 0o700 },
  '/run': { directory: true },
  '/sys': { directory: true, mode: 0o555 },
  '/tmp': { directory: true, mode: 0o1777 },
  '/usr/bin': { directory: true },
  '/usr/sbin': { directory: true },
  '/var': { directory: true },
  '/var/run': { symlink: '/run' },
  '/var/log': { directory: true },
  '/var/tmp': { directory: true, mode: 0o1777 },
}

/** Until a kubelet mounts its own over them. */
const replaced: Readonly<Record<string, LayerEntry>> = {
  '/etc/hostname': '',
  '/etc/hosts': '127.0.0.1\tlocalhost\n',
  '/etc/resolv.conf': '',
}

/** busybox:1.36, musl or glibc: no package manager, no os-release. */
export const busyboxLayer: Layer = {
  files: {
    ...folders,
    ...replaced,
    ...programsIn('/bin', ['busybox', ...busyboxApplets]),
    '/home': { directory: true, uid: 65534, gid: 65534 },
    '/var/run': { directory: true },
    '/var/spool/mail': { directory: true },
    '/var/www': { directory: true },
    '/usr/bin/env': { symlink: '../../bin/env' },
    '/etc/passwd': [
      'root:x:0:0:root:/root:/bin/sh',
      'daemon:x:1:1:daemon:/usr/sbin:/bin/false',
      'bin:x:2:2:bin:/bin:/bin/false',
      'sys:x:3:3:sys:/dev:/bin/false',
      'sync:x:4:100:sync:/bin:/bin/sync',
      'mail:x:8:8:mail:/var/spool/mail:/bin/false',
      'www-data:x:33:33:www-data:/var/www:/bin/false',
      'operator:x:37:37:Operator:/var:/bin/false',
      'nobody:x:65534:65534:nobody:/home:/bin/false',
      '',
    ].join('\n'),
    '/etc/group': [
      ...['root:x:0:', 'daemon:x:1:', 'bin:x:2:', 'sys:x:3:', 'adm:x:4:', 'tty:x:5:', 'disk:x:6:', 'wheel:x:10:root'],
      ...['mail:x:12:', 'www-data:x:33:', 'utmp:x:43:', 'staff:x:50:', 'users:x:100:', 'nogroup:x:65534:', ''],
    ].join('\n'),
    '/etc/shadow': { content: 'root:*:::::::\nnobody:*:::::::\n', mode: 0o640 },
    '/etc/nsswitch.conf': 'hosts: files dns\n',
  },
}

/** alpine: busybox's tools under symlinks, and what `cat /etc/os-release` is asked for. */
export const alpineLayer: Layer = {
  over: busyboxLayer,
  files: {
    '/etc/alpine-release': '3.20.3\n',
    '/etc/os-release': [
      'NAME="Alpine Linux"',
      'ID=alpine',
      'VERSION_ID=3.20.3',
      'PRETTY_NAME="Alpine Linux v3.20"',
      'HOME_URL="https://alpinelinux.org/"',
      'BUG_REPORT_URL="https://gitlab.alpinelinux.org/alpine/aports/-/issues"',
      '',
    ].join('\n'),
    '/etc/issue': 'Welcome to Alpine Linux 3.20\nKernel \\r on an \\m (\\l)\n\n',
    '/etc/profile': 'export PATH="/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"\n',
    '/lib': { directory: true },
    '/media': { directory: true },
    '/mnt': { directory: true },
    '/opt': { directory: true },
    '/sbin': { directory: true },
    '/srv': { directory: true },
    '/usr/local/bin': { directory: true },
    '/var/cache': { directory: true },
    '/var/lib': { directory: true },
    '/etc/passwd': [
      'root:x:0:0:root:/root:/bin/sh',
      'bin:x:1:1:bin:/bin:/sbin/nologin',
      'daemon:x:2:2:daemon:/sbin:/sbin/nologin',
      'lp:x:4:7:lp:/var/spool/lpd:/sbin/nologin',
      'sync:x:5:0:sync:/sbin:/bin/sync',
      'mail:x:8:12:mail:/var/mail:/sbin/nologin',
      'guest:x:405:100:guest:/dev/null:/sbin/nologin',
      'nobody:x:65534:65534:nobody:/:/sbin/nologin',
      '',
    ].join('\n'),
    '/etc/group': [
      ...['root:x:0:root', 'bin:x:1:root,bin,daemon', 'daemon:x:2:root,bin,daemon', 'sys:x:3:root,bin'],
      ...['adm:x:4:root,daemon', 'tty:x:5:', 'disk:x:6:root', 'lp:x:7:lp', 'kmem:x:9:', 'wheel:x:10:root'],
      ...['floppy:x:11:root', 'mail:x:12:mail', 'cron:x:16:cron', 'audio:x:18:', 'cdrom:x:19:', 'dialout:x:20:root'],
      ...['input:x:23:', 'tape:x:26:root', 'video:x:27:root', 'netdev:x:28:', 'kvm:x:34:kvm', 'games:x:35:'],
      ...['shadow:x:42:', 'www-data:x:82:', 'users:x:100:games', 'utmp:x:406:', 'nogroup:x:65533:'],
      ...['nobody:x:65534:', ''],
    ].join('\n'),
  },
}

const debianTools: readonly string[] = busyboxApplets.filter(
  name =>
    !['ash', 'wget', 'nc', 'nslookup', 'ping', 'ping6', 'ifconfig', 'route', 'netstat', 'ip', 'telnet'].includes(name),
)

/** debian:12-slim and what is built upon it (nginx, python, postgres …): /bin is /usr/bin; no network tools, no ps in the slim ones. */
export const debianLayer: Layer = {
  files: {
    ...folders,
    ...replaced,
    '/bin': { symlink: 'usr/bin' },
    '/boot': { directory: true },
    '/lib': { symlink: 'usr/lib' },
    '/lib64': { symlink: 'usr/lib64' },
    '/media': { directory: true },
    '/mnt': { directory: true },
    '/opt': { directory: true },
    '/sbin': { symlink: 'usr/sbin' },
    '/srv': { directory: true },
    '/usr/games': { directory: true },
    '/usr/include': { directory: true },
    '/usr/lib': { directory: true },
    '/usr/lib64': { directory: true },
    '/usr/local/bin': { directory: true },
    '/usr/local/sbin': { directory: true },
    '/usr/share': { directory: true },
    '/var/cache': { directory: true },
    '/var/lib': { directory: true },
    '/var/spool': { directory: true },
    ...programsIn('/usr/bin', debianTools),
    '/usr/bin/bash': { program: 'bash' },
    '/usr/bin/dash': { program: 'dash' },
    '/usr/bin/getent': { program: 'getent' },
    '/etc/debian_version': '12.7\n',
    '/etc/os-release': [
      'PRETTY_NAME="Debian GNU/Linux 12 (bookworm)"',
      'NAME="Debian GNU/Linux"',
      'VERSION_ID="12"',
      'VERSION="12 (bookworm)"',
      'VERSION_CODENAME=bookworm',
      'ID=debian',
      'HOME_URL="https://www.debian.org/"',
      'SUPPORT_URL="https://www.debian.org/support"',
      'BUG_REPORT_URL="https://bugs.debian.org/"',
      '',
    ].join('\n'),
    '/etc/issue': 'Debian GNU/Linux 12 \\n \\l\n\n',
    '/etc/nsswitch.conf': 'passwd: files\ngroup: files\nhosts: files dns\n',
    '/etc/passwd': [
      'root:x:0:0:root:/root:/bin/bash',
      'daemon:x:1:1:daemon:/usr/sbin:/usr/sbin/nologin',
      'bin:x:2:2:bin:/bin:/usr/sbin/nologin',
      'sys:x:3:3:sys:/dev:/usr/sbin/nologin',
      'sync:x:4:65534:sync:/bin:/bin/sync',
      'mail:x:8:8:mail:/var/mail:/usr/sbin/nologin',
      'www-data:x:33:33:www-data:/var/www:/usr/sbin/nologin',
      'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
      '',
    ].join('\n'),
    '/etc/group': [
      ...['root:x:0:', 'daemon:x:1:', 'bin:x:2:', 'sys:x:3:', 'adm:x:4:', 'tty:x:5:', 'disk:x:6:', 'mail:x:8:'],
      ...['www-data:x:33:', 'staff:x:50:', 'users:x:100:', 'nogroup:x:65534:', ''],
    ].join('\n'),
  },
}

/** A file for each tool; `ash` is the shell. */
export function programsIn(folder: string, names: readonly string[]): Readonly<Record<string, LayerEntry>> {
  return Object.fromEntries(names.map(name => [`${folder}/${name}`, { program: name === 'ash' ? 'sh' : name }]))
}
