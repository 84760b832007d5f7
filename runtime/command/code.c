/* camp code: makes a contact's code, and says whether one that somebody shows is theirs. */
#include "runtime/command/commands.h"
#include "vm/coupon.h"

#include <stdlib.h>

enum { SECRET_BYTES_MIN = 16 };

static bool take_secret(struct str *out) {
  const char *secret = getenv("CAMP_SECRET");
  *out = str_from_c(secret ? secret : "");
  if (out->len >= SECRET_BYTES_MIN) return true;
  complain("code", "CAMP_SECRET is %s: it must be the one that the codes were made with, of at least %d bytes",
           out->len ? "too short" : "not set", SECRET_BYTES_MIN);
  return false;
}

static int code_run(const struct options *o) {
  const char *verb = o->positionals[0], *campaign = option(o, "campaign"), *contact = option(o, "contact");
  bool make = strcmp(verb, "make") == 0, verify = strcmp(verb, "verify") == 0;
  char want[COUPON_BYTES + 1], have[COUPON_BYTES + 1];
  struct str secret;
  if (!make && !verify) {
    complain("code", "there is no `camp code %s`; it is `make`, or `verify CODE`", verb);
    return EXIT_COULD_NOT;
  }
  if (o->count != (make ? 1 : 2)) {
    complain("code", make ? "`make` takes no code: it makes one" : "which code? `camp code verify CODE --campaign NAME --contact KEY`");
    return EXIT_COULD_NOT;
  }
  if (!campaign || !contact) {
    complain("code", "%s Add --%s.", campaign ? "whose code?" : "a code for what?", campaign ? "contact KEY" : "campaign NAME");
    return EXIT_COULD_NOT;
  }
  if (!take_secret(&secret)) return EXIT_COULD_NOT;
  coupon_make(secret, str_from_c(campaign), str_from_c(contact), want);
  if (make) {
    printf("%s\n", want);
    return EXIT_FINE;
  }
  if (!coupon_read(str_from_c(o->positionals[1]), have)) {
    printf("no code: a letter is wrong or missing\n");
    return EXIT_MISTAKES;
  }
  bool same = strcmp(want, have) == 0;
  printf(same ? "yes: %s is %s's code for %s\n" : "no: %s is not %s's code for %s\n", have, contact, campaign);
  return same ? EXIT_FINE : EXIT_MISTAKES;
}

static const struct option_spec code_options[] = {
  { "campaign", 0, "NAME", "what the code is for, as in code(\"NAME\", contact)" },
  { "contact", 0, "KEY", "whose it is, as the events have it in userId" },
  { NULL, 0, NULL, NULL },
};
const struct command command_code = {
  .name = "code",
  .summary = "make or verify a contact's code",
  .arguments = "make|verify CODE --campaign NAME --contact KEY",
  .text = "`code(\"SUMMER\", contact)` in a script is a code of the contact's own, made from CAMP_SECRET. A shop that\n"
          "knows the secret can make and verify it itself: HMAC-SHA256 of \"code\", NUL, the name, NUL and the contact's\n"
          "key; its first 50 bits in Crockford's base 32, and a letter that checks them. In what is typed, case,\n"
          "blanks and dashes do not matter, and O counts as 0, I and L as 1. Ends with 1 when the code is not theirs.\n",
  .examples = "  camp code make --campaign SUMMER --contact ann\n"
              "  camp code verify 7KQ4-M9XA-2BC --campaign SUMMER --contact ann\n",
  .options = code_options,
  .positionals_min = 1,
  .positionals_max = 2,
  .missing = "make or verify? `camp code make --campaign SUMMER --contact ann`",
  .run = code_run,
};
