package org.userload.linux;

/**
 * A memory barrier on every thread of this process, paid for by the caller alone: {@code membarrier(2)} with {@code
 * MEMBARRIER_CMD_PRIVATE_EXPEDITED} (Linux 4.14).
 *
 * <p>See {@code Documentation/scheduler/membarrier.rst} of the kernel. When {@link #pass} returns, every thread has
 * passed a full barrier at some point between the call and the return: what it stored before that point is visible to
 * the caller, and what it loads after it is no older than the caller's stores before the call.
 */
public final class ProcessBarrier {
    private static final long SYS_MEMBARRIER = "aarch64".equals(System.getProperty("os.arch")) ? 283 : 324;
    private static final long PRIVATE_EXPEDITED = 1 << 3;
    private static final long REGISTER_PRIVATE_EXPEDITED = 1 << 4;

    private ProcessBarrier() {}

    /**
     * Makes the barrier usable in this process. Any number of times.
     *
     * @throws NativeException when the kernel does not know it or forbids it
     */
    public static void register() {
        call("membarrier(REGISTER_PRIVATE_EXPEDITED)", REGISTER_PRIVATE_EXPEDITED);
    }

    /** Makes every thread pass a full memory barrier. {@link #register} comes first. */
    public static void pass() {
        call("membarrier(PRIVATE_EXPEDITED)", PRIVATE_EXPEDITED);
    }

    private static void call(String name, long command) {
        NativeFailure.check(name, LibC.C.syscall(SYS_MEMBARRIER, command, 0, 0), 0, 0);
    }
}
