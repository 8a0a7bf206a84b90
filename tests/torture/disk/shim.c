/* A layer between a program and the C library, for the files of one folder: it writes down every call
 * that changes what a disk holds, and makes the n-th of them fail, stop half way or be the last.
 *
 * Loaded by LD_PRELOAD and steered through the functions at the end. SQLite's -shm file is left alone: it
 * is mapped memory that no recovery ever reads. No call is answered differently unless a fault is armed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define FILES 1024

enum kind { WRITE = 1, SYNC = 2, RESIZE = 4, NAME = 8, OPEN = 16 };
enum action { COUNT, FAIL, SHORT, KILL };

static char folder[PATH_MAX];
static size_t folder_length;
static int log_file = -1;
static char *names[FILES]; /* by descriptor: the path behind it, NULL for files that are not watched */

static struct {
    int kinds, action, error, lasting;
    long at, count;
} fault;

static pthread_mutex_t guard = PTHREAD_MUTEX_INITIALIZER;

#define REAL(name, type, ...)                                   \
    static type (*real)(__VA_ARGS__);                           \
    if (!real) real = (type (*)(__VA_ARGS__))dlsym(RTLD_NEXT, #name)

static int is_watched(const char *path) {
    if (!folder_length || strncmp(path, folder, folder_length) != 0) return 0;
    if (path[folder_length] != '/' && path[folder_length] != 0) return 0;
    size_t length = strlen(path);
    return !(length > 4 && strcmp(path + length - 4, "-shm") == 0) &&
           !(length > 4 && strcmp(path + length - 4, ".log") == 0);
}

static const char *name_of(int fd) {
    return fd >= 0 && fd < FILES ? names[fd] : NULL;
}

/* One entry: kind, length of the path, offset, length of the data, then path and data. */
static void note(char kind, const char *path, uint64_t offset, const void *data, uint32_t length) {
    if (log_file < 0) return;
    struct __attribute__((packed)) {
        char kind;
        uint16_t path;
        uint64_t offset;
        uint32_t data;
    } head = {kind, (uint16_t)strlen(path), offset, length};
    struct iovec parts[3] = {
        {&head, sizeof head}, {(void *)path, head.path}, {(void *)data, length}};
    if (syscall(SYS_writev, log_file, parts, 3) < 0) raise(SIGABRT);
}

/* Tell what shall happen to this call: 0 go on, -1 fail (errno is set), 1 stop half way. */
static int befalls(int kind, const char *path) {
    int what = 0;
    pthread_mutex_lock(&guard);
    if (fault.kinds & kind) {
        long now = ++fault.count;
        int due = fault.at && (fault.lasting ? now >= fault.at : now == fault.at);
        if (due && fault.action == KILL) kill(getpid(), SIGKILL);
        if (due && fault.action == SHORT && kind == WRITE && now == fault.at) what = 1;
        else if (due && (fault.action == FAIL || fault.action == SHORT)) what = -1;
    }
    pthread_mutex_unlock(&guard);
    if (what) note('!', path, (uint64_t)kind, NULL, 0);
    if (what < 0) errno = fault.error;
    return what;
}

static int opened(int fd, const char *path, int is_new) {
    if (fd >= 0 && fd < FILES) names[fd] = strdup(path);
    if (fd >= 0 && is_new) note('C', path, 0, NULL, 0);
    return fd;
}

static int open_watched(int (*real)(const char *, int, ...), const char *path, int flags, mode_t mode) {
    struct stat found;
    int is_new = (flags & O_CREAT) && syscall(SYS_newfstatat, AT_FDCWD, path, &found, 0) != 0;
    if ((flags & O_ACCMODE) != O_RDONLY && befalls(OPEN, path) < 0) return -1;
    if (is_new && befalls(NAME, path) < 0) return -1;
    int fd = opened(real(path, flags, mode), path, is_new);
    if (fd >= 0 && (flags & O_TRUNC) && !is_new) note('T', path, 0, NULL, 0);
    return fd;
}

#define MODE_OF(flags)                      \
    mode_t mode = 0;                        \
    if (flags & (O_CREAT | O_TMPFILE)) {    \
        va_list more;                       \
        va_start(more, flags);              \
        mode = va_arg(more, mode_t);        \
        va_end(more);                       \
    }

int open(const char *path, int flags, ...) {
    REAL(open, int, const char *, int, ...);
    MODE_OF(flags);
    return is_watched(path) ? open_watched(real, path, flags, mode) : real(path, flags, mode);
}

int open64(const char *path, int flags, ...) {
    REAL(open64, int, const char *, int, ...);
    MODE_OF(flags);
    return is_watched(path) ? open_watched(real, path, flags, mode) : real(path, flags, mode);
}

int close(int fd) {
    REAL(close, int, int);
    if (name_of(fd)) {
        free(names[fd]);
        names[fd] = NULL;
    }
    return real(fd);
}

static ssize_t written(const char *path, off_t offset, const void *data, ssize_t length) {
    if (length > 0) note('W', path, (uint64_t)offset, data, (uint32_t)length);
    return length;
}

ssize_t write(int fd, const void *data, size_t length) {
    REAL(write, ssize_t, int, const void *, size_t);
    const char *path = name_of(fd);
    if (!path) return real(fd, data, length);
    int what = befalls(WRITE, path);
    if (what < 0) return -1;
    off_t offset = (fcntl(fd, F_GETFL) & O_APPEND) ? lseek(fd, 0, SEEK_END) : lseek(fd, 0, SEEK_CUR);
    return written(path, offset, data, real(fd, data, what ? (length + 1) / 2 : length));
}

static ssize_t pwrite_watched(ssize_t (*real)(int, const void *, size_t, off64_t), int fd,
                              const void *data, size_t length, off64_t offset) {
    const char *path = name_of(fd);
    if (!path) return real(fd, data, length, offset);
    int what = befalls(WRITE, path);
    if (what < 0) return -1;
    return written(path, offset, data, real(fd, data, what ? (length + 1) / 2 : length, offset));
}

ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
    REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);
    return pwrite_watched(real, fd, data, length, offset);
}

ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) {
    REAL(pwrite64, ssize_t, int, const void *, size_t, off64_t);
    return pwrite_watched(real, fd, data, length, offset);
}

static int sync_watched(int (*real)(int), int fd) {
    const char *path = name_of(fd);
    if (!path) return real(fd);
    if (befalls(SYNC, path) < 0) {
        int error = errno;
        note('E', path, 0, NULL, 0); /* what was to be synced is lost to later syncs too */
        errno = error;
        return -1;
    }
    note('S', path, 0, NULL, 0); /* the harness decides what a disk holds, so nothing is really flushed */
    return 0;
}

int fsync(int fd) {
    REAL(fsync, int, int);
    return sync_watched(real, fd);
}

int fdatasync(int fd) {
    REAL(fdatasync, int, int);
    return sync_watched(real, fd);
}

static int resize_watched(int (*real)(int, off64_t), int fd, off64_t length) {
    const char *path = name_of(fd);
    if (path && befalls(RESIZE, path) < 0) return -1;
    int answer = real(fd, length);
    if (path && answer == 0) note('T', path, (uint64_t)length, NULL, 0);
    return answer;
}

int ftruncate64(int fd, off64_t length) {
    REAL(ftruncate64, int, int, off64_t);
    return resize_watched(real, fd, length);
}

int ftruncate(int fd, off_t length) {
    REAL(ftruncate64, int, int, off64_t);
    return resize_watched(real, fd, length);
}

int unlink(const char *path) {
    REAL(unlink, int, const char *);
    if (!is_watched(path)) return real(path);
    if (befalls(NAME, path) < 0) return -1;
    int answer = real(path);
    if (answer == 0) note('U', path, 0, NULL, 0);
    return answer;
}

int rename(const char *from, const char *to) {
    REAL(rename, int, const char *, const char *);
    if (!is_watched(from) || !is_watched(to)) return real(from, to);
    if (befalls(NAME, from) < 0) return -1;
    int answer = real(from, to);
    if (answer == 0) note('R', from, 0, to, (uint32_t)strlen(to));
    return answer;
}

int link(const char *from, const char *to) {
    REAL(link, int, const char *, const char *);
    if (!is_watched(from) || !is_watched(to)) return real(from, to);
    if (befalls(NAME, from) < 0) return -1;
    int answer = real(from, to);
    if (answer == 0) note('L', from, 0, to, (uint32_t)strlen(to));
    return answer;
}

int mkdir(const char *path, mode_t mode) {
    REAL(mkdir, int, const char *, mode_t);
    if (!is_watched(path) || strlen(path) == folder_length) return real(path, mode);
    if (befalls(NAME, path) < 0) return -1;
    int answer = real(path, mode);
    if (answer == 0) note('K', path, 0, NULL, 0);
    return answer;
}

/* --- steering ------------------------------------------------------------------------------------- */

/* Watch the files of a folder from now on, and write the calls to a log; NULL watches without one. */
void torture_watch(const char *path, const char *log) {
    folder_length = strlen(path);
    memcpy(folder, path, folder_length + 1);
    if (log_file >= 0) syscall(SYS_close, log_file);
    log_file = log ? (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_CREAT | O_APPEND, 0600) : -1;
}

/* Write a remark of the program's own between the calls. */
void torture_mark(const char *text) {
    note('M', text, 0, NULL, 0);
}

/* Count calls of these kinds from now on, and let `action` befall the one numbered `at` (0: none). */
void torture_fault(int kinds, long at, int action, int error, int lasting) {
    pthread_mutex_lock(&guard);
    fault.kinds = kinds;
    fault.at = at;
    fault.action = action;
    fault.error = error;
    fault.lasting = lasting;
    fault.count = 0;
    pthread_mutex_unlock(&guard);
}

/* Return how many calls of the kinds in question there were since. */
long torture_count(void) {
    return fault.count;
}
