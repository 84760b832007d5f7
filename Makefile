# Camp. `make help` lists the goals. Generated files, objects and tests live in build/ alone.
#
# One pattern builds every room: each .c file of compiler/, vm/ and runtime/ goes into libcamp.a, the subcommands too;
# camp is that library and a main. V picks the variant: release (default), asan (gcc, address and undefined-behaviour
# sanitizers), clang (clang, the same sanitizers), tsan (gcc, thread sanitizer), fuzz (clang, libFuzzer).

V ?= release
PREFIX ?= /usr/local
B := build/$(V)
GEN := build/gen

PKGS := sqlite3 libpcre2-8 libcrypto libcurl gmime-3.0 gumbo libidn2
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
else ifeq ($(V),tsan)
CC := gcc
CFLAGS := $(BASE) -O1 -fsanitize=thread -fno-omit-frame-pointer
LDFLAGS := -fsanitize=thread
else ifeq ($(V),fuzz)
CC := clang
CFLAGS := $(BASE) -O1 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
LDFLAGS := -fsanitize=fuzzer,address,undefined
else
$(error V is one of release, asan, clang, tsan, fuzz)
endif
LIBS := $(PKG_LIBS) -lresolv -lm -lpthread
# One short line a step; `make VERBOSE=1` shows the commands.
ifeq ($(VERBOSE),)
step = @printf '  %-5s %s\n' $(1) $@;
else
step =
endif

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
## make docs         write what is made from tables (vm/OPCODES.md, the colours of editor-support)
## make vsix         pack the extension for Visual Studio Code into build/

# --- generated -------------------------------------------------------------------------------------------------------
$(GEN)/grammar.c $(GEN)/grammar.h &: grammar/camp.y
	@mkdir -p $(GEN)
	@# -c: no compressed tables; with them %fallback misparses in silence and a legal input reads out of bounds.
	$(call step,lemon)lemon -c -q -d$(GEN) -T/usr/share/lemon/lempar.c grammar/camp.y
	@mv $(GEN)/camp.c $(GEN)/grammar.c && mv $(GEN)/camp.h $(GEN)/grammar.h

$(GEN)/lex.c: grammar/camp.re $(GEN)/grammar.h
	@mkdir -p $(GEN)
	$(call step,re2c)re2c -W -Werror -i --no-generation-date -o $@ grammar/camp.re

$(GEN)/schema_sql.c: runtime/store/schema.sql tests/tools/embed.sh
	@mkdir -p $(GEN)
	$(call step,embed)sh tests/tools/embed.sh schema_sql runtime/store/schema.sql > $@.tmp && mv $@.tmp $@

STDLIB := $(sort $(shell find stdlib -name '*.camp' 2>/dev/null))
$(GEN)/stdlib_files.c: $(STDLIB) tests/tools/embed.sh $(shell find stdlib -type d 2>/dev/null)
	@mkdir -p $(GEN)
	$(call step,embed)sh tests/tools/embed.sh --table stdlib_files $(STDLIB) > $@.tmp && mv $@.tmp $@

# Generated code alone may leave variables and parameters unused.
$(B)/gen/%.o: $(GEN)/%.c $(GEN_HDR)
	@mkdir -p $(@D)
	$(call step,cc)$(CC) $(CFLAGS) -Wno-unused-variable -Wno-unused-parameter -Wno-unused-function -Wno-missing-prototypes -Wno-conversion -Wno-sign-compare -Wno-implicit-fallthrough -Wno-unused-but-set-variable -c -o $@ $<

$(B)/%.o: %.c Makefile | $(GEN_HDR)
	@mkdir -p $(@D)
	$(call step,cc)$(CC) $(CFLAGS) -c -o $@ $<

# The list of objects, written only when it changes: a file that was taken away must leave the library too.
.PHONY: FORCE
$(B)/objects: FORCE
	@mkdir -p $(@D)
	@echo '$(LIB_OBJ)' | cmp -s - $@ || echo '$(LIB_OBJ)' > $@

# q, not r: objects of different rooms may bear the same name, and r would let one replace the other.
$(B)/libcamp.a: $(LIB_OBJ) $(B)/objects
	@rm -f $@
	$(call step,ar)$(AR) qcs $@ $(LIB_OBJ)

$(B)/camp: $(B)/$(MAIN:.c=.o) $(B)/libcamp.a
	$(call step,link)$(CC) $(LDFLAGS) -o $@ $^ $(LIBS)

compile_commands.json: $(SRC) Makefile
	@{ echo '['; sep=; for f in $(SRC); do printf '%s{"directory":"%s","file":"%s","command":"gcc $(WARN) -D_GNU_SOURCE -I. -I$(GEN) -include vm/base/banned.h -c %s"}' "$$sep" "$(CURDIR)" "$$f" "$$f"; sep=',\n'; done; echo; echo ']'; } > $@

-include $(LIB_OBJ:.o=.d) $(B)/$(MAIN:.c=.d)

# --- tests -----------------------------------------------------------------------------------------------------------
# tests/N-room/test_*.c are cmocka programs, tests/N-room/test_*.sh shell scripts; both print TAP. tests/lib/*.c is shared.
# tests/fuzz/*.c are libFuzzer targets (V=fuzz). What tests/bench needs it compiles itself, against libcamp.a.
TEST_SRC := $(sort $(wildcard tests/[0-9]-*/test_*.c))
TEST_LIB := $(patsubst %.c,$(B)/%.o,$(sort $(wildcard tests/lib/*.c)))
TEST_BIN := $(TEST_SRC:%.c=$(B)/%)
FUZZ_BIN := $(patsubst %.c,$(B)/%,$(sort $(wildcard tests/fuzz/*.c)))
$(B)/tests/%: tests/%.c $(TEST_LIB) $(B)/libcamp.a
	@mkdir -p $(@D)
	$(call step,link)$(CC) $(CFLAGS) -MF $@.d -MT $@ -Wno-unused-parameter $(LDFLAGS) -o $@ $< $(TEST_LIB) $(B)/libcamp.a $(LIBS) -lcmocka -ljansson
$(B)/tests/fuzz/%: tests/fuzz/%.c $(B)/libcamp.a
	@mkdir -p $(@D)
	$(call step,link)$(CC) $(CFLAGS) -MF $@.d -MT $@ $(LDFLAGS) -o $@ $< $(B)/libcamp.a $(LIBS) -ljansson
-include $(TEST_BIN:%=%.d) $(FUZZ_BIN:%=%.d) $(TEST_LIB:.o=.d)

.PHONY: test-programs fuzz-programs
test-programs: $(TEST_BIN) $(B)/camp
fuzz-programs: $(FUZZ_BIN)

# --- goals -----------------------------------------------------------------------------------------------------------
# What is missing is installed by the first line of a goal; the rest is another make, because the flags that pkg-config
# gives are read when a make begins.
.PHONY: deps demo test docs vsix bench bench-peers fuzz install
JOBS ?= $(shell nproc 2>/dev/null || echo 2)
FUZZ_SECONDS ?= 60
SUB := $(MAKE) --no-print-directory -j$(JOBS)

deps:
	@sh tests/tools/deps.sh
	@sh tests/tools/exim.sh

demo:
	@sh tests/tools/deps.sh build
	@$(SUB) V=release all
	@sh tests/tools/demo.sh build/release/camp

test:
	@sh tests/tools/deps.sh
	@sh tests/tools/exim.sh
	@$(SUB) V=release all
	@$(SUB) V=asan all test-programs
	@$(SUB) V=clang all test-programs
	@$(SUB) V=tsan all
	@$(SUB) V=fuzz fuzz-programs
	@sh tests/tools/run.sh

# Pages that are made from tables; `make test` fails when they are not up to date.
docs:
	@sh tests/tools/docs.sh write
	@node editor-support/tools/generate.js

vsix:
	@sh tests/tools/deps.sh
	@sh editor-support/tests/run.sh pack $(CURDIR)/build
	@ls build/camp-*.vsix

bench:
	@sh tests/tools/deps.sh
	@$(SUB) V=release all
	@sh tests/bench/run.sh

bench-peers:
	@sh tests/tools/deps.sh
	@$(SUB) V=release all
	@sh tests/bench/peers/run.sh

fuzz:
	@sh tests/tools/deps.sh
	@$(SUB) V=fuzz fuzz-programs
	@FUZZ_SECONDS=$(FUZZ_SECONDS) sh tests/tools/fuzz.sh

# The headers keep their rooms: include "vm/program.h" with the flags that pkg-config gives for `camp`.
PUBLIC := compiler/compile.h $(sort $(filter-out vm/base/banned.h,$(wildcard vm/base/*.h vm/*.h vm/*.def runtime/engine/engine.h runtime/engine/zones.h \
  runtime/input/input.h runtime/send/send.h runtime/store/store.h)))
install:
	@sh tests/tools/deps.sh build
	@$(SUB) V=release all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig
	install -m 755 build/release/camp $(DESTDIR)$(PREFIX)/bin/camp
	install -m 644 build/release/libcamp.a $(DESTDIR)$(PREFIX)/lib/libcamp.a
	@for f in $(PUBLIC); do install -D -m 644 $$f $(DESTDIR)$(PREFIX)/include/camp/$$f || exit 1; done
	@printf 'Name: camp\nDescription: a language for marketing campaigns\nVersion: 0.1.0\nRequires: $(PKGS)\nLibs: -L%s -lcamp -lm -lpthread\nCflags: -I%s\n' \
	  '$(PREFIX)/lib' '$(PREFIX)/include/camp' > $(DESTDIR)$(PREFIX)/lib/pkgconfig/camp.pc
