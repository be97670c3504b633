import { spawn } from 'node:child_process';

/**
 * Makes raw system calls and sockets, which Node cannot: perl can, and is an essential package of Debian and what is made
 * from it. Each line of its input is carried out in a process of its own, so that one the kernel ends ends alone, and answered
 * by one line: `ok`, the number of the error, or `signal N`.
 */
const program = String.raw`
use strict; use Socket; $| = 1;
while (my $line = <STDIN>) {
  chomp $line; my ($what, @rest) = split / /, $line;
  my @args = map { /^x(.*)/ ? pack("H*", $1) : $_ + 0 } @rest;
  pipe(my $read, my $write); my $pid = fork;
  unless (defined $pid) { print "fork failed\n"; next }
  if (!$pid) {
    my $me = $$; my $answer;
    if ($what eq "call") { my $number = shift @args; my $r = syscall($number, @args); $answer = $r == -1 ? $! + 0 : "ok" }
    else { my ($family, $type, $protocol, $address) = @args;
      my $made = socket(my $s, $family, $type, $protocol); $answer = $made ? "ok" : $! + 0;
      if ($made && defined $address) { $answer = connect($s, $address) ? "ok" : $! + 0 } }
    if ($$ != $me) { kill 9, $$ } syswrite $write, "$answer\n"; kill 9, $$;
  }
  close $write; my $answer = <$read>; waitpid $pid, 0;
  print defined $answer ? $answer : "signal " . ($? & 127) . "\n";
}`;

const allowedMs = 20_000;

/** One answer for each line, in their order; null where there is no perl to ask, or it did not get through all. */
export function callRaw(lines: readonly string[]): Promise<readonly string[] | null> {
  return new Promise((resolve) => {
    const child = spawn('perl', ['-e', program], { stdio: ['pipe', 'pipe', 'inherit'], timeout: allowedMs });
    let output = '';
    child.stdout.on('data', (chunk: Buffer) => (output += chunk.toString('latin1')));
    child.once('error', () => resolve(null));
    child.once('close', () => {
      const answers = output.trimEnd().split('\n');
      resolve(answers.length === lines.length ? answers : null);
    });
    child.stdin.on('error', () => undefined);
    child.stdin.end(`${lines.join('\n')}\n`);
  });
}
