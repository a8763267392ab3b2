/* A second module beside JRS: it runs commands for its clients (react.call) and on keyspace events (react.on).
 *
 * The tests build it with cc. It declares the server's functions itself; the server fills them in when it loads. */
#include <stddef.h>
#include <string.h>

typedef struct Ctx Ctx;
typedef struct Str Str;
typedef struct Reply Reply;
typedef int (*Command)(Ctx *, Str **, int);
typedef int (*Listener)(Ctx *, int type, const char *event, Str *key);

static int (*SetModuleAttribs)(Ctx *, const char *name, int version, int api);
static int (*CreateCommand)(Ctx *, const char *name, Command, const char *flags, int first, int last, int step);
static int (*SubscribeToKeyspaceEvents)(Ctx *, int types, Listener);
static Reply *(*Call)(Ctx *, const char *name, const char *format, ...);
static void (*FreeCallReply)(Reply *);
static int (*ReplyWithCallReply)(Ctx *, Reply *);
static int (*ReplyWithError)(Ctx *, const char *);
static int (*ReplyWithSimpleString)(Ctx *, const char *);
static int (*ReplyWithLongLong)(Ctx *, long long);
static const char *(*StringPtrLen)(const Str *, size_t *);
static Str *(*HoldString)(Ctx *, Str *);
static void (*FreeString)(Ctx *, Str *);

/* react.call COMMAND ARGUMENT...: replies with the reply to the command. */
static int call(Ctx *ctx, Str **argv, int argc) {
    if (argc < 2) return ReplyWithError(ctx, "ERR which command?");
    Reply *reply = Call(ctx, StringPtrLen(argv[1], NULL), "!Ev", argv + 2, (size_t)(argc - 2));
    if (!reply) return ReplyWithError(ctx, "ERR no reply");
    ReplyWithCallReply(ctx, reply);
    FreeCallReply(reply);
    return 0;
}

static Str *rule[16]; /* the arguments of react.on */
static int count, hits, busy;

/* react.on EVENT COMMAND ARGUMENT...: runs the command at each such event. "@" stands for the key of the event. */
static int on(Ctx *ctx, Str **argv, int argc) {
    while (count) FreeString(NULL, rule[--count]);
    for (int at = 1; at < argc && at < 16; at++) rule[count++] = HoldString(NULL, argv[at]);
    hits = 0;
    return ReplyWithSimpleString(ctx, "OK");
}

/* react.hits: how often the event has happened since react.on. */
static int on_hits(Ctx *ctx, Str **argv, int argc) {
    (void)argv, (void)argc;
    return ReplyWithLongLong(ctx, hits);
}

static int react(Ctx *ctx, int type, const char *event, Str *key) {
    (void)type;
    if (count < 2 || busy || strcmp(event, StringPtrLen(rule[0], NULL))) return 0;
    busy = 1;
    hits++;
    Str *arguments[16];
    for (int at = 2; at < count; at++)
        arguments[at - 2] = strcmp(StringPtrLen(rule[at], NULL), "@") ? rule[at] : key;
    Reply *reply = Call(ctx, StringPtrLen(rule[1], NULL), "!Ev", arguments, (size_t)(count - 2));
    if (reply) FreeCallReply(reply);
    busy = 0;
    return 0;
}

int RedisModule_OnLoad(Ctx *ctx, Str **argv, int argc) {
    (void)argv, (void)argc;
    int (*get)(const char *, void *) = (int (*)(const char *, void *))((void **)ctx)[0];
#define GET(name) get("RedisModule_" #name, &name)
    GET(SetModuleAttribs), GET(CreateCommand), GET(SubscribeToKeyspaceEvents), GET(Call), GET(FreeCallReply);
    GET(ReplyWithCallReply), GET(ReplyWithError), GET(ReplyWithSimpleString), GET(ReplyWithLongLong);
    GET(StringPtrLen), GET(HoldString), GET(FreeString);
    SetModuleAttribs(ctx, "react", 1, 1);
    /* Strings, lists, sets, hashes, sorted sets, expired, evicted, generic, of modules, new keys. */
    if (SubscribeToKeyspaceEvents(ctx, (1 << 2) | (1 << 3) | (1 << 7) | (1 << 8) | (1 << 9) | (1 << 13) | (1 << 14), react))
        return 1;
    if (CreateCommand(ctx, "react.call", call, "write", 0, 0, 0)) return 1;
    if (CreateCommand(ctx, "react.hits", on_hits, "readonly", 0, 0, 0)) return 1;
    return CreateCommand(ctx, "react.on", on, "write", 0, 0, 0);
}
