package org.userload.benchmark;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.Unpooled;
import java.io.EOFException;
import java.io.IOException;
import java.lang.invoke.VarHandle;
import java.net.InetSocketAddress;
import java.net.StandardSocketOptions;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.SocketChannel;
import java.util.Arrays;
import java.util.Locale;
import org.userload.linux.HugePages;
import org.userload.linux.InstallOutcome;
import org.userload.linux.Mapping;
import org.userload.linux.NativeMemory;
import org.userload.linux.PageTouch;
import org.userload.linux.UffdEventBatch;
import org.userload.linux.UffdFeature;
import org.userload.linux.Userfaultfd;
import org.userload.memory.PageSize;
import org.userload.protocol.FrameLayout;
import org.userload.protocol.FrameType;
import org.userload.protocol.Frames;
import org.userload.protocol.Hello;
import org.userload.protocol.Role;
import org.userload.protocol.SessionId;
import org.userload.transport.Endpoint;

/**
 * What a fault of 2 MiB takes, beside one of 4 KiB: memory of reserved huge pages (hugetlbfs) and ordinary memory, each
 * paged in from a source process over TCP, one touch after the other. A plain thread serves the faults and looks for them
 * without sleeping, the same for both sizes.
 *
 * <p>Needs reserved huge pages: {@code sysctl vm.nr_hugepages=80}.
 */
public final class HugeTlbFaults {
    private static final int HUGE_FAULTS = 64;
    private static final int SMALL_FAULTS = 4096;
    private static final int ROUNDS = 5;

    private final PageSize pageSize;
    private final int faults;
    private final Mapping memory;
    private final Userfaultfd uffd;
    private final ByteBuffer answer;
    private volatile boolean over;

    private HugeTlbFaults(PageSize pageSize, int faults, Mapping memory) {
        this.pageSize = pageSize;
        this.faults = faults;
        this.memory = memory;
        this.uffd = Userfaultfd.builder().require(UffdFeature.MISSING_HUGETLBFS).open();
        this.answer = ByteBuffer.allocateDirect(FrameLayout.HEADER_BYTES + pageSize.bytes());
    }

    public static void main(String[] arguments) throws Exception {
        System.out.printf("%-8s %10s %10s %10s%n", "page", "p50 us", "p99 us", "max us");
        double[] small = new double[ROUNDS];
        double[] huge = new double[ROUNDS];
        try (Mapping smallPages = Mapping.anonymous((long) SMALL_FAULTS * PageSize.DEFAULT.bytes());
                Mapping hugePages = Mapping.ofReservedHugePages((long) HUGE_FAULTS * HugePages.BYTES)) {
            for (int round = 0; round < ROUNDS; round++) {
                small[round] = run(PageSize.DEFAULT, SMALL_FAULTS, smallPages);
                huge[round] = run(new PageSize(HugePages.BYTES), HUGE_FAULTS, hugePages);
            }
        }
        double[] ratios = new double[ROUNDS];
        Arrays.setAll(ratios, round -> huge[round] / small[round]);
        System.out.println("p50 of 2 MiB to 4 KiB, for 512 times the bytes: "
                + Spread.of(ratios).text(1));
    }

    private static double run(PageSize pageSize, int faults, Mapping memory) throws Exception {
        Mapping.discard(memory.address(), memory.length());
        try (SourceProcess source =
                SourceProcess.start(BenchmarkSource.Content.PATTERN, faults, -1, "page=" + pageSize.bytes())) {
            return new HugeTlbFaults(pageSize, faults, memory).touchAll(source.endpoint());
        }
    }

    private double touchAll(Endpoint source) throws Exception {
        try (uffd;
                SocketChannel control = connect(source);
                SocketChannel sync = connect(source)) {
            SessionId session = greet(control, Role.CONTROL, SessionId.NONE).session();
            greet(sync, Role.SYNC, session);
            uffd.register(memory.address(), memory.length());
            Thread handler = new Thread(() -> serve(sync), "handler");
            handler.start();
            long[] nanos = new long[faults];
            int[] order = Pattern.randomOrder(faults, faults, Pattern.SEED);
            PageTouch touch = PageTouch.choose();
            for (int i = 0; i < faults; i++) {
                long address = memory.address() + (long) order[i] * pageSize.bytes();
                long start = System.nanoTime();
                int errno = touch.touch(address, 4096);
                VarHandle.fullFence();
                nanos[i] = System.nanoTime() - start;
                check(errno, order[i]);
            }
            over = true;
            handler.join();
            Arrays.sort(nanos);
            double p50 = nanos[faults / 2] / 1e3;
            System.out.printf(
                    Locale.ROOT,
                    "%-8d %10.1f %10.1f %10.1f%n",
                    pageSize.bytes(),
                    p50,
                    nanos[faults * 99 / 100] / 1e3,
                    nanos[faults - 1] / 1e3);
            return p50;
        }
    }

    private void check(int errno, int page) {
        long offset = (long) page * pageSize.bytes();
        long last = offset + pageSize.bytes() - Long.BYTES;
        ByteBuffer word = memory.buffer(last, Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
        if (errno != 0 || word.getLong(0) != Pattern.word(last >>> 3, Pattern.SEED)) {
            throw new IllegalStateException("page " + page + " is wrong, errno " + errno);
        }
    }

    private void serve(SocketChannel sync) {
        UffdEventBatch batch = new UffdEventBatch();
        try {
            while (!over) {
                int events = uffd.read(batch);
                for (int i = 0; i < events; i++) {
                    fetch(sync, (batch.address(i) - memory.address()) / pageSize.bytes());
                }
                if (events == 0) {
                    Thread.onSpinWait();
                }
            }
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    private void fetch(SocketChannel sync, long page) throws IOException {
        ByteBuf request = Unpooled.buffer(FrameLayout.HEADER_BYTES);
        Frames.writeHeader(request, FrameType.REQUEST, 0, 0, page, 1, 0);
        write(sync, request);
        answer.clear();
        read(sync, answer);
        long outcome = uffd.copy(
                memory.address() + page * pageSize.bytes(),
                NativeMemory.addressOf(answer) + FrameLayout.HEADER_BYTES,
                pageSize.bytes());
        if (outcome != pageSize.bytes() && outcome != InstallOutcome.NEXT_IS_PRESENT) {
            throw new IOException("page " + page + " was not installed: " + outcome);
        }
    }

    private static SocketChannel connect(Endpoint source) throws IOException {
        Endpoint.Tcp tcp = (Endpoint.Tcp) source;
        SocketChannel channel = SocketChannel.open(new InetSocketAddress(tcp.host(), tcp.port()));
        channel.setOption(StandardSocketOptions.TCP_NODELAY, true);
        return channel;
    }

    private Hello greet(SocketChannel channel, Role role, SessionId session) throws IOException {
        ByteBuf hello = Unpooled.buffer();
        new Hello(Hello.VERSION, role, pageSize, 0, session, null).encode(hello);
        write(channel, hello);
        ByteBuffer header = ByteBuffer.allocate(FrameLayout.HEADER_BYTES);
        read(channel, header);
        ByteBuffer body = ByteBuffer.allocate(header.getInt(FrameLayout.BODY_LENGTH_OFFSET));
        read(channel, body);
        return Hello.decode(Unpooled.wrappedBuffer(body.flip()));
    }

    private static void write(SocketChannel channel, ByteBuf bytes) throws IOException {
        ByteBuffer out = bytes.nioBuffer();
        while (out.hasRemaining()) {
            channel.write(out);
        }
    }

    private static void read(SocketChannel channel, ByteBuffer into) throws IOException {
        while (into.hasRemaining()) {
            if (channel.read(into) < 0) {
                throw new EOFException("the source closed the connection");
            }
        }
    }
}
