#ifndef CAMP_COMMAND_COMMANDS_H
#define CAMP_COMMAND_COMMANDS_H
/* The subcommands, each defined in the file of its name; main.c lists them in the order of `camp --help`. */
#include "runtime/command/options.h"

extern const struct command command_check, command_explain, command_fmt, command_test, command_simulate, command_run,
    command_import, command_status, command_experiment, command_contact, command_rejects, command_compile, command_disasm, command_graph, command_doctor,
    command_liquid, command_inbound, command_preview, command_send, command_code,
    command_pause, command_resume, command_count, command_contacts, command_outbox;
#endif
