package org.userload.linux;

import java.lang.ref.Reference;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;

/**
 * One read's worth of userfaultfd events, in the order of the kernel's queue.
 *
 * <p>Reading and walking allocate nothing as long as {@link #isPageFault} and {@link #address} are
 * used; {@link #event} builds the record for the rarer events. Used by one thread at a time.
 */
public final class UffdEventBatch {
    /** Events that one read can take. */
    public static final int CAPACITY = 64;

    private final ByteBuffer messages =
            ByteBuffer.allocateDirect(CAPACITY * UffdLayout.MESSAGE_BYTES).order(ByteOrder.nativeOrder());
    private final long address = NativeBuffers.address(messages);
    private int size;

    /** Number of events of the last read, 0 to {@link #CAPACITY}. */
    public int size() {
        return size;
    }

    int read(int fd) {
        long bytes = LibC.C.read(fd, address, messages.capacity());
        Reference.reachabilityFence(messages);
        if (bytes < 0) {
            int errno = LibC.errno();
            size = 0;
            if (errno == Errno.EAGAIN || errno == Errno.EINTR) {
                return 0;
            }
            throw NativeFailure.of("read(userfaultfd)", errno);
        }
        size = (int) (bytes / UffdLayout.MESSAGE_BYTES);
        return size;
    }

    /** Whether event {@code index} is a page fault. */
    public boolean isPageFault(int index) {
        return kind(index) == UffdLayout.EVENT_PAGEFAULT;
    }

    /** Touched address of page fault {@code index}. */
    public long address(int index) {
        return field(index, UffdLayout.MESSAGE_SECOND);
    }

    /** Event {@code index} as a value. */
    public UffdEvent event(int index) {
        int kind = kind(index);
        long first = field(index, UffdLayout.MESSAGE_FIRST);
        long second = field(index, UffdLayout.MESSAGE_SECOND);
        long third = field(index, UffdLayout.MESSAGE_THIRD);
        return switch (kind) {
            case UffdLayout.EVENT_PAGEFAULT ->
                new UffdEvent.PageFault(second, (first & UffdLayout.PAGEFAULT_FLAG_WRITE) != 0, (int) third);
            case UffdLayout.EVENT_REMOVE -> new UffdEvent.Remove(first, second);
            case UffdLayout.EVENT_UNMAP -> new UffdEvent.Unmap(first, second);
            case UffdLayout.EVENT_REMAP -> new UffdEvent.Remap(first, second, third);
            case UffdLayout.EVENT_FORK -> new UffdEvent.Fork((int) first);
            default -> throw new IllegalStateException(String.format("unknown userfaultfd event 0x%x", kind));
        };
    }

    private int kind(int index) {
        return messages.get(index * UffdLayout.MESSAGE_BYTES + UffdLayout.MESSAGE_EVENT) & 0xFF;
    }

    private long field(int index, int offset) {
        return messages.getLong(index * UffdLayout.MESSAGE_BYTES + offset);
    }
}
