package org.userload.linux;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Pointer;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.IgnoreError;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;
import org.jspecify.annotations.Nullable;

/**
 * The C library functions that Userload calls, each under its C name.
 *
 * <p>Six-argument functions must have at least one {@link Pointer} argument: JNR-FFI passes a wrong sixth argument to
 * all-primitive functions on x86-64. Calls save {@code errno}; read it with {@link #errno()} right after the call, on
 * the same thread. Public only because JNR-FFI implements it from another class loader; nothing outside this package uses it.
 */
public interface LibC {
    LibC C = LibraryLoader.create(LibC.class).load("c");

    Runtime RUNTIME = Runtime.getRuntime(C);

    static int errno() {
        return RUNTIME.getLastError();
    }

    Pointer mmap(@Nullable Pointer addr, @size_t long length, int prot, int flags, int fd, long offset);

    int munmap(long addr, @size_t long length);

    int mprotect(long addr, @size_t long length, int prot);

    int madvise(long addr, @size_t long length, int advice);

    @ssize_t
    long process_vm_readv(
            int pid,
            Pointer local_iov,
            @size_t long liovcnt,
            Pointer remote_iov,
            @size_t long riovcnt,
            @size_t long flags);

    int open(String path, int flags);

    int close(int fd);

    @ssize_t
    long read(int fd, long buffer, @size_t long count);

    @ssize_t
    long pread(int fd, long buffer, @size_t long count, long offset);

    long lseek(int fd, long offset, int whence);

    int ioctl(int fd, long request, long argument);

    long syscall(long number, long first);

    long syscall(long number, long first, long second, long third);

    int sched_setaffinity(int pid, @size_t long size, long mask);

    int sched_getcpu();

    int prctl(int option, long argument);

    long sysconf(int name);

    int isatty(int fd);

    @IgnoreError
    long memcpy(long target, long source, @size_t long length);

    @IgnoreError
    long memset(long target, int value, @size_t long length);

    @IgnoreError
    String strerror(int errno);
}
