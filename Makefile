# Camp. `make help` lists the goals. Generated files, objects and tests live in build/ alone.
#
# One pattern builds every room: each .c file of compiler/, vm/ and runtime/ goes into libcamp.a, the subcommands too;
# camp is that library and a main. V picks the variant: release (default), asan (gcc, address and undefined-behaviour
# sanitizers), clang (clang, the same sanitizers), fuzz (clang, libFuzzer).

V ?= release
PREFIX ?= /usr/local
B := build/$(V)
GEN := build/gen

PKGS := sqlite3 libpcre2-8 libcrypto
ifneq ($(wildcard /usr/lib/*/pkgconfig/sqlite3.pc /usr/lib/pkgconfig/sqlite3.pc),)
PKG_CFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
PKG_LIBS := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
endif

WARN := -std=c11 -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror
BASE := $(WARN) -D_GNU_SOURCE -I. -I$(GEN) -include vm/base/banned.h -g -MMD -MP $(PKG_CFLAGS)
ifeq ($(V),release)
CC := gcc
CFLAGS := $(BASE) -O2 -fno-plt
else ifeq ($(V),asan)
CC := gcc
CFLAGS := $(BASE) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -fsanitize=address,undefined
else ifeq ($(V),clang)
CC := clang
CFLAGS := $(BASE) -O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -fsanitize=address,undefined
else ifeq ($(V),fuzz)
CC := clang
CFLAGS := $(BASE) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -fsanitize=fuzzer,address,undefined
else
$(error V is one of release, asan, clang, fuzz)
endif
LIBS := $(PKG_LIBS) -lm -lpthread

SRC := $(sort $(wildcard vm/*.c vm/base/*.c compiler/*.c runtime/*/*.c))
MAIN := runtime/command/main.c
LIB_SRC := $(filter-out $(MAIN),$(SRC))
# Text that the program carries: SQL and the standard library, as C byte arrays.
GEN_SRC := $(GEN)/lex.c $(GEN)/grammar.c $(GEN)/schema_sql.c $(GEN)/stdlib_files.c
GEN_HDR := $(GEN)/grammar.h
LIB_OBJ := $(LIB_SRC:%.c=$(B)/%.o) $(GEN_SRC:$(GEN)/%.c=$(B)/gen/%.o)

.PHONY: all help
all: $(B)/camp $(B)/libcamp.a compile_commands.json

help:
	@sed -n 's/^## //p' Makefile

## make              build camp and libcamp.a into build/release/
## make demo         install what is missing, build, run examples/first-purchase and show who got what
## make test         install what is missing, build with sanitizers, run every test
## make install PREFIX=/usr/local
## make bench        the engine against the floor, in one run     make bench-peers: against npm peers
## make fuzz         each fuzz target for FUZZ_SECONDS (60)
## make deps         install what is missing and nothing else

# --- generated -------------------------------------------------------------------------------------------------------
$(GEN)/grammar.c $(GEN)/grammar.h &: grammar/camp.y
	@mkdir -p $(GEN)
	@# -c: no compressed tables; with them %fallback misparses in silence and a legal input reads out of bounds.
	lemon -c -q -d$(GEN) -T/usr/share/lemon/lempar.c grammar/camp.y
	@mv $(GEN)/camp.c $(GEN)/grammar.c && mv $(GEN)/camp.h $(GEN)/grammar.h

$(GEN)/lex.c: grammar/camp.re $(GEN)/grammar.h
	@mkdir -p $(GEN)
	re2c -W -Werror -i --no-generation-date -o $@ grammar/camp.re

$(GEN)/schema_sql.c: runtime/store/schema.sql tests/tools/embed.sh
	@mkdir -p $(GEN)
	sh tests/tools/embed.sh schema_sql runtime/store/schema.sql > $@.tmp && mv $@.tmp $@

STDLIB := $(sort $(shell find stdlib -name '*.camp' 2>/dev/null))
$(GEN)/stdlib_files.c: $(STDLIB) tests/tools/embed.sh $(wildcard stdlib)
	@mkdir -p $(GEN)
	sh tests/tools/embed.sh --table stdlib_files $(STDLIB) > $@.tmp && mv $@.tmp $@

# Generated code alone may leave variables and parameters unused.
$(B)/gen/%.o: $(GEN)/%.c $(GEN_HDR)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-unused-variable -Wno-unused-parameter -Wno-unused-function -Wno-missing-prototypes -Wno-conversion -Wno-sign-compare -Wno-implicit-fallthrough -Wno-unused-but-set-variable -c -o $@ $<

$(B)/%.o: %.c | $(GEN_HDR)
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -c -o $@ $<

$(B)/libcamp.a: $(LIB_OBJ)
	@rm -f $@
	$(AR) rcs $@ $^

$(B)/camp: $(B)/$(MAIN:.c=.o) $(B)/libcamp.a
	$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

compile_commands.json: $(SRC) Makefile
	@{ echo '['; sep=; for f in $(SRC); do printf '%s{"directory":"%s","file":"%s","command":"gcc $(WARN) -D_GNU_SOURCE -I. -I$(GEN) -include vm/base/banned.h -c %s"}' "$$sep" "$(CURDIR)" "$$f" "$$f"; sep=',\n'; done; echo; echo ']'; } > $@

-include $(LIB_OBJ:.o=.d) $(B)/$(MAIN:.c=.d)

# --- tests -----------------------------------------------------------------------------------------------------------
# tests/N-room/test_*.c are cmocka programs, tests/N-room/test_*.sh shell scripts; both print TAP. tests/lib/*.c is shared.
TEST_SRC := $(sort $(wildcard tests/[0-9]-*/test_*.c))
TEST_LIB := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
$(B)/tests/%: tests/%.c $(TEST_LIB) $(B)/libcamp.a
	@mkdir -p $(@D)
	$(CC) $(CFLAGS) -Wno-unused-parameter $(LDFLAGS) -o $@ $< $(TEST_LIB) $(B)/libcamp.a $(LIBS) -lcmocka -ljansson
-include $(TEST_BIN:%=%.d)
.PHONY: test-programs
test-programs: $(TEST_BIN) $(B)/camp
