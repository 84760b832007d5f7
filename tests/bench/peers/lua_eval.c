/* A rule's evaluation by Lua or LuaJIT, called from C: the numbers beside eval.c's.
 *
 *   lua_eval TURNS
 *
 * The host pushes two numbers, calls the compiled function, and takes a boolean back, as an engine with an embedded scripting
 * language does for each event. Processor time, so that a busy machine does not count. Built once with each library; the API
 * used is the same in both. Nothing of Camp is in here. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static const char rule[] = "return function(count, amount) return count >= 3 and amount > 50 end";

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

int main(int argc, char **argv) {
  long turns = argc > 1 ? atol(argv[1]) : 20000000, yes = 0;
  lua_State *lua = luaL_newstate();
  if (!lua || turns <= 0) return 2;
  luaL_openlibs(lua);
  if (luaL_loadstring(lua, rule) || lua_pcall(lua, 0, 1, 0)) {
    fprintf(stderr, "lua_eval: %s\n", lua_tostring(lua, -1));
    return 1;
  }
  uint64_t x = 88172645463325252u;
  double began = now_s();
  for (long i = 0; i < turns; i++) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    lua_pushvalue(lua, 1);
    lua_pushnumber(lua, (double)(x & 7));
    lua_pushnumber(lua, (double)(x >> 8 & 127));
    lua_call(lua, 2, 1);
    yes += lua_toboolean(lua, -1);
    lua_settop(lua, 1);
  }
  printf("eval_ns=%.1f yes=%.3f\n", (now_s() - began) / (double)turns * 1e9, (double)yes / (double)turns);
  lua_close(lua);
  return 0;
}
