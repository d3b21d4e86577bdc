package org.userload.linux;

import jnr.ffi.Memory;
import jnr.ffi.Pointer;

/**
 * A touch of memory from native code that gives an errno where a load would be a signal.
 *
 * <p>The fault is taken in the kernel, inside a system call: a thread that waits there for a userfaultfd counts as <em>in
 * native</em> for the JVM and does not hold up a safepoint. No Java array is pinned meanwhile.
 *
 * <p><b>Threads.</b> Any. A touch allocates nothing after a thread's first.
 */
public sealed interface PageTouch {
    /**
     * Makes the pages of a range present for reading, as if each had been read.
     *
     * @param address page-aligned host address
     * @param length bytes, whole pages
     * @return 0, or the errno; which one says that a page cannot be had depends on the kind of touch
     */
    int touch(long address, long length);

    /** The system call, for people. */
    String description();

    /**
     * {@code madvise(MADV_POPULATE_READ)} where the kernel has it, that is, since Linux 5.14; else {@code
     * process_vm_readv}. Tries them on a page of its own.
     *
     * @throws NativeException.NotSupportedException when neither works here
     */
    static PageTouch choose() {
        return firstThatWorks(populate(), processRead());
    }

    /** The touch by {@code madvise(MADV_POPULATE_READ)}. */
    static PageTouch populate() {
        return new Populate(Populate.MADV_POPULATE_READ);
    }

    /** The touch by {@code process_vm_readv} on this process itself. */
    static PageTouch processRead() {
        return new ProcessRead(ProcessHandle.current().pid());
    }

    /** The first of these that the kernel knows and permits. */
    static PageTouch firstThatWorks(PageTouch... touches) {
        StringBuilder tried = new StringBuilder();
        try (Mapping page = Mapping.anonymous(Mapping.hostPageSize())) {
            for (PageTouch touch : touches) {
                int errno = touch.touch(page.address(), page.length());
                if (errno == 0) {
                    return touch;
                }
                tried.append(tried.isEmpty() ? "" : ", ")
                        .append(touch.description())
                        .append(": ")
                        .append(Errno.describe(errno));
            }
        }
        throw NativeException.notSupported("a touch of a page from native code (" + tried + ")");
    }

    /**
     * One system call for the whole range, that copies nothing. A page that cannot be had is {@link Errno#EFAULT} or {@link
     * Errno#EHWPOISON}.
     */
    record Populate(int advice) implements PageTouch {
        static final int MADV_POPULATE_READ = 22;

        @Override
        public int touch(long address, long length) {
            while (true) {
                if (LibC.C.madvise(address, length, advice) == 0) {
                    return 0;
                }
                int errno = LibC.errno();
                if (errno != Errno.EINTR && errno != Errno.EAGAIN) {
                    return errno;
                }
            }
        }

        @Override
        public String description() {
            return "madvise(MADV_POPULATE_READ)";
        }
    }

    /**
     * The kernel copies the first byte of each page to the thread's own buffer. A page that cannot be had is {@link
     * Errno#EFAULT}. A process may always read itself in this way, unless a system call filter forbids it.
     */
    final class ProcessRead implements PageTouch {
        private static final int ADDRESS_BYTES = 8;
        private static final int IOVEC_BYTES = 2 * ADDRESS_BYTES;

        private final int pid;
        private final int pageBytes = Mapping.hostPageSize();
        private final ThreadLocal<Vectors> vectors = ThreadLocal.withInitial(Vectors::new);

        ProcessRead(long pid) {
            this.pid = Math.toIntExact(pid);
        }

        /** What one thread's call reads from and to: two {@code struct iovec} of one byte, and that byte. */
        private static final class Vectors {
            final Pointer from = Memory.allocateDirect(LibC.RUNTIME, IOVEC_BYTES, true);
            final Pointer to = Memory.allocateDirect(LibC.RUNTIME, IOVEC_BYTES, true);
            final Pointer sink = Memory.allocateDirect(LibC.RUNTIME, 1, true);

            Vectors() {
                from.putLong(ADDRESS_BYTES, 1);
                to.putLong(0, sink.address());
                to.putLong(ADDRESS_BYTES, 1);
            }
        }

        @Override
        public int touch(long address, long length) {
            Vectors own = vectors.get();
            for (long at = address; at < address + length; at += pageBytes) {
                own.from.putLong(0, at);
                if (LibC.C.process_vm_readv(pid, own.to, 1, own.from, 1, 0) != 1) {
                    return LibC.errno();
                }
            }
            return 0;
        }

        @Override
        public String description() {
            return "process_vm_readv";
        }
    }
}
