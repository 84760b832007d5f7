/* camp: finds the subcommand and hands over. What a subcommand does stands in the file of its name.
 *
 * Exit codes, the same everywhere: 0 it worked; 1 the scripts or their tests have mistakes; 2 it could not run (usage,
 * files, database); 3 the disk was full or the database busy, what was taken is kept, and running again goes on. */
#include "runtime/command/commands.h"

#include <errno.h>
#include <signal.h>
#include <string.h>

#ifndef CAMP_RELEASE
#define CAMP_RELEASE "0.1.0"
#endif

static const struct command *const commands[] = {
  &command_check, &command_explain, &command_fmt, &command_test, &command_simulate, &command_run, &command_import,
  &command_preview, &command_send, &command_pause, &command_resume, &command_outbox, &command_status, &command_experiment, &command_count, &command_contacts, &command_contact, &command_rejects,
  &command_inbound, &command_doctor, &command_graph, &command_compile,
  &command_disasm, &command_liquid, &command_code, NULL,
};

static const struct command *find_command(const char *name) {
  for (size_t i = 0; commands[i]; i++)
    if (strcmp(commands[i]->name, name) == 0) return commands[i];
  return NULL;
}

static const char *command_name_at(const void *context, size_t i) {
  (void)context;
  return commands[i] ? commands[i]->name : NULL;
}

static void print_help(FILE *to) {
  fprintf(to, "camp - a language for marketing campaigns\n\nUsage: camp COMMAND [arguments]\n\nCommands:\n");
  for (size_t i = 0; commands[i]; i++) fprintf(to, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fprintf(to, "\n`camp help COMMAND` tells more, with examples. A start:\n"
              "  echo 'when purchase and first_purchase then tag \"first buyer\"' > first.camp\n"
              "  camp check first.camp\n");
}

static int unknown_command(const char *name) {
  const char *near = nearest_name(name, command_name_at, NULL);
  if (near)
    complain(NULL, "there is no command \"%s\". Did you mean \"%s\"?", name, near);
  else
    complain(NULL, "there is no command \"%s\". `camp --help` lists them.", name);
  return EXIT_COULD_NOT;
}

int main(int argc, char **argv) {
  /* A reader that went away (`camp contact … | head`) is an error of write, not an end in the middle of a commit. */
  signal(SIGPIPE, SIG_IGN);
  if (argc > 0 && argv[0][0]) program_name = argv[0];
  const char *name = argc > 1 ? argv[1] : NULL;
  if (!name) {
    print_help(stderr);
    return EXIT_COULD_NOT;
  }
  bool help = strcmp(name, "help") == 0;
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0 || (help && argc == 2)) {
    print_help(stdout);
    return EXIT_FINE;
  }
  if (strcmp(name, "--version") == 0 || strcmp(name, "version") == 0) {
    printf("camp " CAMP_RELEASE "\n");
    return EXIT_FINE;
  }
  if (name[0] == '-') {
    complain(NULL, "there is no option %s before the command. `camp --help` lists the commands.", name);
    return EXIT_COULD_NOT;
  }
  const struct command *command = find_command(help ? argv[2] : name);
  if (!command) return unknown_command(help ? argv[2] : name);
  if (help) {
    command_help(command, stdout);
    return EXIT_FINE;
  }
  struct options options;
  int code = EXIT_COULD_NOT;
  if (!options_read(command, argc - 2, argv + 2, &options, &code)) return code;
  code = command->run(&options);
  bool written = !ferror(stdout) && fflush(stdout) == 0;
  if (written) return code;
  if (errno != EPIPE) complain(command->name, "cannot write the output: %s", strerror(errno)); /* `| head` has read enough */
  return code == EXIT_FINE ? EXIT_COULD_NOT : code;
}
