/* The first process of a pod: holds its namespaces, and takes in what its containers leave. */
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void end(int signal) {
  (void)signal;
  _exit(0);
}

static void reap(int signal) {
  (void)signal;
  while (waitpid(-1, 0, WNOHANG) > 0) {
  }
}

int main(int count, char **words) {
  if (count > 1 && strcmp(words[1], "-v") == 0) { /* kubeadm's health job asks for it and expects an end */
    puts("pause of the lab");
    return 0;
  }
  signal(SIGINT, end);
  signal(SIGTERM, end);
  signal(SIGCHLD, reap);
  for (;;) pause();
}
