package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.EnumSet;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;

/**
 * A userfaultfd: page faults of registered ranges arrive as events, and pages are installed by address.
 *
 * <p>See {@code Documentation/admin-guide/mm/userfaultfd.rst} of the kernel and {@code ioctl_userfaultfd(2)}.
 *
 * <p><b>Outcomes.</b> An install that meets a present page or a changing mapping is an outcome ({@link
 * InstallOutcome}), never an exception. Everything else is a {@link NativeException} with call, errno, address and
 * length.
 *
 * <p><b>Threads.</b> Installs, wakes and registrations may come from any thread; {@link #read} from one thread at a
 * time. {@link #close} is idempotent; the owner closes after the last reader and installer has ended. Use after close is
 * an {@link IllegalStateException}.
 */
public final class Userfaultfd implements AutoCloseable {
    private static final ThreadLocal<Argument> ARGUMENT = ThreadLocal.withInitial(Argument::new);

    private final int fd;
    private final Set<UffdFeature> features;
    private final Permission permission;
    private final AtomicBoolean closed = new AtomicBoolean();

    private Userfaultfd(int fd, Set<UffdFeature> features, Permission permission) {
        this.fd = fd;
        this.features = features;
        this.permission = permission;
    }

    /** How the kernel let us have the descriptor. */
    public enum Permission {
        /** The system call, for every fault: privileged, or {@code vm.unprivileged_userfaultfd=1}. */
        SYSTEM_CALL,
        /** {@code /dev/userfaultfd}, for every fault. */
        DEVICE,
        /** The system call, for faults of user mode only: a fault inside a system call or KVM gets EFAULT. */
        USER_MODE_ONLY
    }

    /** What to ask the kernel for. */
    public static final class Builder {
        private final Set<UffdFeature> required = EnumSet.noneOf(UffdFeature.class);
        private final Set<UffdFeature> wanted = EnumSet.noneOf(UffdFeature.class);
        private boolean userModeOnlyAllowed;

        /** Fails to open without this feature. */
        public Builder require(UffdFeature feature) {
            required.add(feature);
            return this;
        }

        /** Switches this feature on where the kernel has it. */
        public Builder want(UffdFeature feature) {
            wanted.add(feature);
            return this;
        }

        /** Accepts a descriptor that handles only faults of user mode when nothing better is permitted. */
        public Builder allowUserModeOnly() {
            userModeOnlyAllowed = true;
            return this;
        }

        /**
         * Opens the descriptor, non-blocking.
         *
         * @throws NativeException.NotPermittedException when neither the system call nor the device is permitted
         * @throws NativeException.NotSupportedException when the kernel lacks userfaultfd or a required feature
         */
        public Userfaultfd open() {
            UffdDescriptor probe = UffdDescriptor.open(userModeOnlyAllowed);
            Set<UffdFeature> offered;
            try {
                offered = UffdFeature.ofMask(probe.handshake(0));
            } finally {
                probe.close();
            }
            EnumSet<UffdFeature> missing = EnumSet.copyOf(required);
            missing.removeAll(offered);
            if (!missing.isEmpty()) {
                throw NativeFailure.of("UFFDIO_API(" + missing + ")", Errno.EOPNOTSUPP);
            }
            EnumSet<UffdFeature> chosen = EnumSet.copyOf(wanted);
            chosen.retainAll(offered);
            chosen.addAll(required);
            UffdDescriptor descriptor = UffdDescriptor.open(userModeOnlyAllowed);
            try {
                descriptor.handshake(UffdFeature.mask(chosen));
            } catch (RuntimeException e) {
                descriptor.close();
                throw e;
            }
            return new Userfaultfd(descriptor.fd(), chosen, descriptor.permission());
        }
    }

    public static Builder builder() {
        return new Builder();
    }

    /** The features that are switched on. */
    public Set<UffdFeature> features() {
        return EnumSet.copyOf(features);
    }

    public Permission permission() {
        return permission;
    }

    /** The file descriptor, for polling. It belongs to this object. */
    public int fd() {
        return fd;
    }

    /** Registers a range for missing faults. Address and length in bytes, page-aligned. */
    public void register(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, UffdLayout.REGISTER_MODE_MISSING, 0);
        call("UFFDIO_REGISTER", UffdLayout.UFFDIO_REGISTER, argument, address, length);
    }

    /**
     * Registers a range for write protection. With {@link UffdFeature#WP_ASYNC} the kernel resolves the fault of a
     * write to a protected page itself and keeps that it was written; see {@link PagemapScan}. Address and length in
     * bytes, page-aligned. EBUSY says that another userfaultfd has the range.
     */
    public void registerForWrites(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, UffdLayout.REGISTER_MODE_WP, 0);
        call("UFFDIO_REGISTER", UffdLayout.UFFDIO_REGISTER, argument, address, length);
    }

    /**
     * Protects the pages of a range that is registered for writes, also those that are not populated ({@link
     * UffdFeature#WP_UNPOPULATED}): none of them counts as written from the return on. A page that was written before
     * the call and after an earlier protection is forgotten.
     */
    public void writeProtect(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, UffdLayout.WRITEPROTECT_MODE_WP, 0);
        call("UFFDIO_WRITEPROTECT", UffdLayout.UFFDIO_WRITEPROTECT, argument, address, length);
    }

    /** Ends the registration of a range and wakes every thread that waits in it. */
    public void unregister(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, 0, 0);
        call("UFFDIO_UNREGISTER", UffdLayout.UFFDIO_UNREGISTER, argument, address, length);
    }

    /** Wakes the threads that wait for a page of the range; they try their access again. */
    public void wake(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, 0, 0);
        call("UFFDIO_WAKE", UffdLayout.UFFDIO_WAKE, argument, address, length);
    }

    /**
     * Installs copies of {@code length} bytes from {@code source} at {@code address} and wakes the waiters.
     *
     * @return an {@link InstallOutcome}
     */
    public long copy(long address, long source, long length) {
        Argument argument = ARGUMENT.get().put(address, source, length, 0);
        return install("UFFDIO_COPY", UffdLayout.UFFDIO_COPY, argument, UffdLayout.COPY_DONE, address, length);
    }

    /**
     * Moves pages from {@code source}, zero-copy (Linux 6.8). For a range that is not registered the kernel says EINVAL
     * here, where the other installs say ENOENT.
     *
     * @return an {@link InstallOutcome}
     */
    public long move(long address, long source, long length) {
        Argument argument = ARGUMENT.get().put(address, source, length, 0);
        return install("UFFDIO_MOVE", UffdLayout.UFFDIO_MOVE, argument, UffdLayout.COPY_DONE, address, length);
    }

    /** Installs zero pages and wakes the waiters. @return an {@link InstallOutcome} */
    public long zeroPage(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, 0, 0);
        return install(
                "UFFDIO_ZEROPAGE", UffdLayout.UFFDIO_ZEROPAGE, argument, UffdLayout.ZEROPAGE_DONE, address, length);
    }

    /** Marks missing pages as poisoned: a touch is a SIGBUS or EFAULT (Linux 6.6). @return an {@link InstallOutcome} */
    public long poison(long address, long length) {
        Argument argument = ARGUMENT.get().put(address, length, 0, 0);
        return install("UFFDIO_POISON", UffdLayout.UFFDIO_POISON, argument, UffdLayout.ZEROPAGE_DONE, address, length);
    }

    /**
     * Reads pending events without blocking.
     *
     * @return how many, 0 when there are none
     */
    public int read(UffdEventBatch batch) {
        return batch.read(openDescriptor());
    }

    @Override
    public void close() {
        if (closed.compareAndSet(false, true)) {
            LibC.C.close(fd);
        }
    }

    /** The number of a closed descriptor may name something else by now. */
    private int openDescriptor() {
        if (closed.get()) {
            throw new IllegalStateException("the userfaultfd is closed");
        }
        return fd;
    }

    private long install(String name, long request, Argument argument, int doneOffset, long address, long length) {
        int result = LibC.C.ioctl(openDescriptor(), request, argument.address);
        int errno = result == 0 ? 0 : LibC.errno();
        long done = Math.max(argument.get(doneOffset), 0);
        Reference.reachabilityFence(argument);
        if (result == 0) {
            return length;
        }
        // A short install reports EAGAIN with the bytes done; what stopped it shows when the rest is tried.
        if (errno == Errno.EAGAIN) {
            return done > 0 ? done : InstallOutcome.MAPPING_IS_CHANGING;
        }
        if (errno == Errno.EEXIST) {
            return InstallOutcome.NEXT_IS_PRESENT;
        }
        throw NativeFailure.of(name, errno, address, length);
    }

    private void call(String name, long request, Argument argument, long address, long length) {
        int result = LibC.C.ioctl(openDescriptor(), request, argument.address);
        Reference.reachabilityFence(argument);
        NativeFailure.check(name, result, address, length);
    }

    /** The off-heap ioctl argument of one thread. */
    private static final class Argument {
        final ByteBuffer fields =
                ByteBuffer.allocateDirect(UffdLayout.STRUCT_BYTES).order(ByteOrder.nativeOrder());
        final long address = NativeBuffers.address(fields);

        Argument put(long first, long second, long third, long fourth) {
            fields.putLong(0, first);
            fields.putLong(8, second);
            fields.putLong(16, third);
            fields.putLong(24, fourth);
            fields.putLong(32, 0);
            return this;
        }

        long get(int offset) {
            return fields.getLong(offset);
        }
    }
}
