package org.userload.support;

import jnr.ffi.LibraryLoader;
import jnr.ffi.Runtime;
import jnr.ffi.annotations.Out;
import jnr.ffi.types.size_t;
import jnr.ffi.types.ssize_t;

/** Touches of memory by the kernel, in a system call: a page that cannot be had is an errno. */
public final class NativeTouch {
    private static final C LIBC = LibraryLoader.create(C.class).load("c");

    private NativeTouch() {}

    /** Public only because JNR-FFI implements it from another class loader. */
    public interface C {
        int pipe(@Out int[] descriptors);

        @ssize_t
        long write(int fd, long buffer, @size_t long count);

        @ssize_t
        long read(int fd, long buffer, @size_t long count);

        int close(int fd);

        int madvise(long address, @size_t long length, int advice);
    }

    /** Advises the kernel about a part of a mapping, which splits it. */
    public static void doNotFork(long address, long length) {
        int madvDontFork = 10;
        if (LIBC.madvise(address, length, madvDontFork) != 0) {
            throw new IllegalStateException(
                    "madvise: errno " + Runtime.getRuntime(LIBC).getLastError());
        }
    }

    /** The kernel copies bytes out of memory ({@code write(2)} into a pipe). Gives how many, or the negative errno. */
    public static long readBytes(long address, int length) {
        int[] pipe = pipe();
        long done = LIBC.write(pipe[1], address, length);
        long result = done < 0 ? -Runtime.getRuntime(LIBC).getLastError() : done;
        close(pipe);
        return result;
    }

    /** The kernel copies bytes from one place in memory to another, by a pipe. Gives how many, or the negative errno. */
    public static long copyBytes(long target, long source, int length) {
        int[] pipe = pipe();
        long written = LIBC.write(pipe[1], source, length);
        long result = written < 0 ? -Runtime.getRuntime(LIBC).getLastError() : LIBC.read(pipe[0], target, written);
        if (written >= 0 && result < 0) {
            result = -Runtime.getRuntime(LIBC).getLastError();
        }
        close(pipe);
        return result;
    }

    private static int[] pipe() {
        int[] pipe = new int[2];
        if (LIBC.pipe(pipe) != 0) {
            throw new IllegalStateException(
                    "pipe: errno " + Runtime.getRuntime(LIBC).getLastError());
        }
        return pipe;
    }

    private static void close(int[] pipe) {
        LIBC.close(pipe[0]);
        LIBC.close(pipe[1]);
    }
}
