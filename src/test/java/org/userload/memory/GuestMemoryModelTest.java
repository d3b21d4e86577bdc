package org.userload.memory;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.userload.destination.Destination;
import org.userload.destination.DestinationConfig;
import org.userload.destination.InterceptorChoice;
import org.userload.memory.RegionTable.Entry;
import org.userload.source.LivePageSource;
import org.userload.source.PageServer;
import org.userload.source.ServerListener;
import org.userload.support.Seeds;
import org.userload.transport.Endpoint;

/**
 * The page-access layer against a plain byte array: the same random operations on both must give the same results, the
 * same errors and in the end the same bytes, on present memory and on memory that is missing and served while it is
 * used.
 */
@Timeout(60)
class GuestMemoryModelTest {
    private static final int PAGE = 4096;
    private static final RegionTable TABLE = new RegionTable(
            PageSize.DEFAULT,
            List.of(
                    new Entry(0, 5),
                    new Entry(5 * PAGE, 1),
                    new Entry(6 * PAGE, 3),
                    new Entry(1L << 33, 4),
                    new Entry((1L << 33) + 6 * PAGE, 7)));

    @Test
    void presentMemory_behavesAsAByteArray() {
        SplittableRandom random = Seeds.random("GuestMemoryModelTest present");
        try (GuestMemory memory = GuestMemory.present(TABLE)) {
            Model model = new Model(random);
            model.fill(memory);
            for (int i = 0; i < 60_000; i++) {
                new Operation(random).run(memory, model);
            }
            model.compareAll(memory);
        }
    }

    @ParameterizedTest
    @EnumSource(
            value = InterceptorChoice.class,
            names = {"USERFAULTFD", "SOFTWARE"})
    void missingMemory_behavesAsAByteArray_whileItArrives(InterceptorChoice choice) throws Exception {
        SplittableRandom random = Seeds.random("GuestMemoryModelTest " + choice);
        try (GuestMemory origin = GuestMemory.present(TABLE)) {
            for (int round = 0; round < 25; round++) {
                Model model = new Model(random);
                model.fill(origin);
                LivePageSource source = new LivePageSource(origin, "model");
                try (PageServer server =
                                PageServer.serve(Endpoint.parse("127.0.0.1:0"), source, new ServerListener() {});
                        Destination destination = Destination.open(DestinationConfig.from(server.endpoint())
                                .withInterceptor(choice)
                                .withStreamAtOnce(false))) {
                    int streamAt = random.nextInt(120);
                    for (int i = 0; i < 120; i++) {
                        if (i == streamAt) {
                            destination.startStream();
                        }
                        new Operation(random).run(destination.memory(), model);
                    }
                    destination.completion().get(20, TimeUnit.SECONDS);
                    model.compareAll(destination.memory());
                }
            }
        }
    }

    /** Guest memory as one array: regions one after the other, with a way from guest address to index. */
    private static final class Model {
        final byte[] bytes = new byte[(int) TABLE.totalBytes()];

        /** A fifth of the pages is zero. */
        Model(SplittableRandom random) {
            random.nextBytes(bytes);
            for (int at = 0; at < bytes.length; at += PAGE) {
                if (random.nextInt(5) == 0) {
                    Arrays.fill(bytes, at, at + PAGE, (byte) 0);
                }
            }
        }

        /** Index of a guest address, or -1. */
        int index(long address) {
            int before = 0;
            for (Entry entry : TABLE.entries()) {
                long size = entry.pageCount() * PAGE;
                long offset = address - entry.guestAddress();
                if (offset >= 0 && offset < size) {
                    return before + (int) offset;
                }
                before += (int) size;
            }
            return -1;
        }

        /** How many bytes from an address on are memory, at most {@code length}. */
        int valid(long address, int length) {
            int valid = 0;
            while (valid < length && index(address + valid) >= 0) {
                valid++;
            }
            return valid;
        }

        byte[] get(long address, int length) {
            byte[] copy = new byte[length];
            for (int i = 0; i < length; i++) {
                copy[i] = bytes[index(address + i)];
            }
            return copy;
        }

        void put(long address, byte[] source, int offset, int length) {
            for (int i = 0; i < length; i++) {
                bytes[index(address + i)] = source[offset + i];
            }
        }

        void fill(GuestMemory memory) {
            int at = 0;
            for (Entry entry : TABLE.entries()) {
                int size = (int) entry.pageCount() * PAGE;
                memory.put(entry.guestAddress(), bytes, at, size);
                at += size;
            }
        }

        void compareAll(GuestMemory memory) {
            byte[] found = new byte[bytes.length];
            int at = 0;
            for (Entry entry : TABLE.entries()) {
                int size = (int) entry.pageCount() * PAGE;
                memory.get(entry.guestAddress(), found, at, size);
                at += size;
            }
            assertThat(Arrays.mismatch(found, bytes)).isEqualTo(-1);
        }
    }

    /** One random operation, near a border more often than not. */
    private static final class Operation {
        private final SplittableRandom random;
        private final long address;
        private final ByteOrder order;

        Operation(SplittableRandom random) {
            this.random = random;
            this.order = random.nextBoolean() ? ByteOrder.BIG_ENDIAN : ByteOrder.LITTLE_ENDIAN;
            this.address = address();
        }

        private long address() {
            Entry entry = TABLE.entries().get(random.nextInt(TABLE.entries().size()));
            long offset = random.nextLong(entry.pageCount() * PAGE);
            if (random.nextInt(3) > 0) {
                offset = (offset + PAGE / 2) / PAGE * PAGE + random.nextInt(-12, 12);
            }
            return entry.guestAddress() + offset;
        }

        void run(GuestMemory memory, Model model) {
            switch (random.nextInt(8)) {
                case 0 -> compareGet(memory, model);
                case 1 -> comparePut(memory, model);
                case 2 -> bulkGet(memory, model);
                case 3 -> bulkPut(memory, model);
                case 4 -> bufferGet(memory, model);
                case 5 -> bufferPut(memory, model);
                case 6 -> fill(memory, model);
                default -> atomic(memory, model);
            }
        }

        private int length() {
            return random.nextInt(4) == 0 ? random.nextInt(3 * PAGE) : random.nextInt(40);
        }

        private int valueBytes() {
            return 1 << random.nextInt(4);
        }

        /** Whether a call failed exactly when it should have, because it leaves memory. */
        private boolean isDone(boolean shouldFail, Runnable call) {
            boolean failed = false;
            try {
                call.run();
            } catch (IndexOutOfBoundsException e) {
                failed = true;
            }
            assertThat(failed).as("out of bounds at 0x%x", address).isEqualTo(shouldFail);
            return !failed;
        }

        private void compareGet(GuestMemory memory, Model model) {
            int size = valueBytes();
            long[] value = new long[1];
            boolean outside = model.valid(address, size) < size;
            if (!isDone(outside, () -> value[0] = get(memory, size))) {
                return;
            }
            assertThat(value[0])
                    .as("%d bytes at 0x%x, %s", size, address, order)
                    .isEqualTo(expected(model, size));
        }

        private long get(GuestMemory memory, int size) {
            return switch (size) {
                case 1 -> memory.getByte(address);
                case 2 -> memory.getShort(address, order);
                case 4 -> memory.getInt(address, order);
                default -> memory.getLong(address, order);
            };
        }

        private long expected(Model model, int size) {
            ByteBuffer bytes = ByteBuffer.wrap(model.get(address, size)).order(order);
            return switch (size) {
                case 1 -> bytes.get();
                case 2 -> bytes.getShort();
                case 4 -> bytes.getInt();
                default -> bytes.getLong();
            };
        }

        private void comparePut(GuestMemory memory, Model model) {
            int size = valueBytes();
            long value = random.nextLong();
            ByteBuffer bytes = ByteBuffer.allocate(8).order(order);
            boolean outside = model.valid(address, size) < size;
            boolean done = isDone(outside, () -> {
                switch (size) {
                    case 1 -> memory.putByte(address, (byte) value);
                    case 2 -> memory.putShort(address, (short) value, order);
                    case 4 -> memory.putInt(address, (int) value, order);
                    default -> memory.putLong(address, value, order);
                }
            });
            if (done) {
                switch (size) {
                    case 1 -> bytes.put((byte) value);
                    case 2 -> bytes.putShort((short) value);
                    case 4 -> bytes.putInt((int) value);
                    default -> bytes.putLong(value);
                }
                model.put(address, bytes.array(), 0, size);
            }
        }

        private void bulkGet(GuestMemory memory, Model model) {
            int length = length();
            int valid = model.valid(address, length);
            byte[] target = new byte[length + 5];
            isDone(valid < length, () -> memory.get(address, target, 3, length));
            assertThat(Arrays.copyOfRange(target, 3, 3 + valid)).isEqualTo(model.get(address, valid));
        }

        private void bulkPut(GuestMemory memory, Model model) {
            int length = length();
            int valid = model.valid(address, length);
            byte[] source = new byte[length + 5];
            random.nextBytes(source);
            isDone(valid < length, () -> memory.put(address, source, 3, length));
            model.put(address, source, 3, valid);
        }

        private ByteBuffer buffer(int length) {
            ByteBuffer buffer =
                    random.nextBoolean() ? ByteBuffer.allocate(length + 9) : ByteBuffer.allocateDirect(length + 9);
            return buffer.position(4).limit(4 + length);
        }

        private void bufferGet(GuestMemory memory, Model model) {
            int length = length();
            int valid = model.valid(address, length);
            ByteBuffer target = buffer(length);
            isDone(valid < length, () -> memory.get(address, target));
            assertThat(target.position()).isEqualTo(4 + valid);
            byte[] found = new byte[valid];
            target.get(4, found);
            assertThat(found).isEqualTo(model.get(address, valid));
        }

        private void bufferPut(GuestMemory memory, Model model) {
            int length = length();
            int valid = model.valid(address, length);
            byte[] content = new byte[length];
            random.nextBytes(content);
            ByteBuffer source = buffer(length);
            source.put(4, content);
            isDone(valid < length, () -> memory.put(address, source));
            assertThat(source.position()).isEqualTo(4 + valid);
            model.put(address, content, 0, valid);
        }

        private void fill(GuestMemory memory, Model model) {
            int length = length();
            byte value = (byte) random.nextInt();
            int valid = model.valid(address, length);
            byte[] content = new byte[length];
            Arrays.fill(content, value);
            isDone(valid < length, () -> memory.fill(address, length, value));
            model.put(address, content, 0, valid);
        }

        private void atomic(GuestMemory memory, Model model) {
            long aligned = address & -8;
            if (model.index(aligned) < 0) {
                isDone(true, () -> memory.getAndAddLong(aligned, 1));
                isDone(true, () -> memory.compareAndSetLong(aligned, 0, 1));
                return;
            }
            ByteBuffer before = ByteBuffer.wrap(model.get(aligned, 8)).order(ByteOrder.LITTLE_ENDIAN);
            long value = before.getLong(0);
            long next = random.nextLong();
            switch (random.nextInt(3)) {
                case 0 -> {
                    assertThat(memory.getAndAddLong(aligned, next)).isEqualTo(value);
                    before.putLong(0, value + next);
                }
                case 1 -> {
                    assertThat(memory.compareAndSetLong(aligned, value, next)).isTrue();
                    before.putLong(0, next);
                }
                default ->
                    assertThat(memory.compareAndSetLong(aligned, value + 1, next))
                            .isFalse();
            }
            model.put(aligned, before.array(), 0, 8);
        }
    }
}
