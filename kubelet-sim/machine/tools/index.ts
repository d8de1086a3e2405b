// The tools by name, for the files of images that carry those names (files/layer.ts). Loaded with the machine room, never at
// start.

import type { Program } from '../process.ts'
import { awk } from './awk.ts'
import { cat, pager, rev, tac } from './cat.ts'
import { chgrp, chmod, chown } from './change-files.ts'
import { cp, mv } from './copy.ts'
import { curl } from './curl.ts'
import { cut, fold, nl, paste, tee, tr } from './cut.ts'
import { date } from './date.ts'
import { dd, split } from './dd.ts'
import { cmp, diff } from './diff.ts'
import { base64, digest } from './digests.ts'
import { hexdump, od, strings, xxd } from './dumps.ts'
import { clear, echo, factor, fail, printf, pwd, refused, seq, succeed, yes } from './echo.ts'
import { expr, test } from './expr.ts'
import { find } from './find.ts'
import { grep } from './grep.ts'
import { gzip } from './gzip.ts'
import { head, tail } from './head.ts'
import { arch, dnsdomainname, getent, groups, hostname, id, nproc, tty, uname, which, whoami } from './identity.ts'
import { ls } from './ls.ts'
import { link, ln, mkdir, mktemp, touch, truncate } from './make-files.ts'
import { dig, host, nslookup } from './name-lookup.ts'
import { basename, dirname, readlink, realpath, stat } from './names.ts'
import { nc, telnet } from './nc.ts'
import { ifconfig, ip, ping, route } from './ping.ts'
import { env, kill, nohup, printenv, sleep, time, timeout, usleep } from './process-tools.ts'
import { rm, rmdir, unlink } from './remove.ts'
import { sed } from './sed.ts'
import { shuf, sort, uniq } from './sort.ts'
import { df, du, free, killall, mount, pgrep, pidof, ps, sysctl, top, umount, uptime, watch } from './system-facts.ts'
import { tar } from './tar.ts'
import { wc } from './wc.ts'
import { wget } from './wget.ts'
import { xargs } from './xargs.ts'

export const tools: Readonly<Record<string, Program>> = Object.freeze({
  '[': test,
  arch,
  cmp,
  dd,
  diff,
  getopt: refused,
  hd: hexdump,
  hexdump,
  netstat: refused,
  od,
  split,
  ss: refused,
  strings,
  stty: refused,
  su: refused,
  xxd,
  awk,
  gawk: awk,
  mawk: awk,
  curl,
  dig,
  host,
  ifconfig,
  ip,
  nc,
  ncat: nc,
  netcat: nc,
  nslookup,
  ping,
  ping6: ping,
  route,
  telnet,
  wget,
  base64,
  df,
  dmesg: succeed,
  du,
  expr,
  find,
  free,
  killall,
  md5sum: digest,
  mount,
  pgrep,
  pidof,
  pkill: pgrep,
  ps,
  sed,
  sha1sum: digest,
  sha256sum: digest,
  sha512sum: digest,
  sysctl,
  test,
  top,
  umount,
  uptime,
  watch,
  xargs,
  basename,
  cat,
  chgrp,
  chmod,
  chown,
  clear,
  cp,
  cut,
  date,
  dirname,
  dnsdomainname,
  echo,
  egrep: grep,
  env,
  factor,
  false: fail,
  fgrep: grep,
  fold,
  getent,
  grep,
  groups,
  gunzip: gzip,
  gzip,
  head,
  hostname,
  id,
  kill,
  less: pager,
  link,
  ln,
  ls,
  mkdir,
  mktemp,
  more: pager,
  mv,
  nl,
  nohup,
  nproc,
  paste,
  printenv,
  printf,
  pwd,
  readlink,
  realpath,
  rev,
  rm,
  rmdir,
  seq,
  shuf,
  sleep,
  sort,
  stat,
  sync: succeed,
  tac,
  tail,
  tar,
  tee,
  time,
  timeout,
  touch,
  tr,
  traceroute: refused,
  true: succeed,
  truncate,
  tty,
  uname,
  uniq,
  unlink,
  usleep,
  vi: refused,
  wc,
  which,
  whoami,
  yes,
  zcat: gzip,
})

/** The program of a name, if it is a tool. */
export function toolOf(name: string): Program | undefined {
  return Object.hasOwn(tools, name) ? tools[name] : undefined
}
