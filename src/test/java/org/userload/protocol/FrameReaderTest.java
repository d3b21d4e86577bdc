package org.userload.protocol;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.netty.buffer.ByteBuf;
import io.netty.buffer.ByteBufUtil;
import io.netty.buffer.Unpooled;
import java.util.ArrayList;
import java.util.List;
import java.util.SplittableRandom;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.userload.support.Seeds;

@Timeout(30)
class FrameReaderTest {
    private static final int PAGE = 4096;

    /** Writes down what it is given; page content page by page, since pieces depend on the splits. */
    private static final class Recorder implements FrameSink {
        final List<String> frames = new ArrayList<>();

        private static String describe(FrameHeader header) {
            return header.type() + " " + header.region() + " " + header.firstPage() + " " + header.count() + " "
                    + header.id() + " " + header.bodyLength();
        }

        @Override
        public void frame(FrameHeader header, ByteBuf body) {
            assertThat(body.readableBytes()).isEqualTo(header.bodyLength());
            frames.add(describe(header) + " " + ByteBufUtil.hexDump(body));
        }

        @Override
        public void pages(FrameHeader header) {
            frames.add(describe(header));
        }

        @Override
        public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
            assertThat(bytes.isDirect()).isTrue();
            for (int i = 0; i < count; i++) {
                int hash = ByteBufUtil.hashCode(bytes.slice(bytes.readerIndex() + i * PAGE, PAGE));
                frames.add("page " + (firstPage + i) + " of " + header.region() + ": " + hash);
            }
        }

        @Override
        public void encoded(FrameHeader header, ByteBuf bytes) {
            assertThat(bytes.isDirect()).isTrue();
            assertThat(bytes.readableBytes()).isGreaterThanOrEqualTo(header.bodyLength());
            frames.add("encoded " + ByteBufUtil.hexDump(bytes, bytes.readerIndex(), header.bodyLength()));
        }
    }

    private static ByteBuf randomFrames(SplittableRandom random) {
        ByteBuf out = Unpooled.directBuffer();
        int frames = 1 + random.nextInt(12);
        for (int i = 0; i < frames; i++) {
            if (random.nextInt(4) == 0) {
                byte[] body = new byte[1 + random.nextInt(random.nextBoolean() ? 100 : 20_000)];
                random.nextBytes(body);
                FrameType type = random.nextBoolean() ? FrameType.PACKED : FrameType.DELTA;
                Frames.writeHeader(out, type, random.nextInt(3), body.length, random.nextLong(1L << 40), 7, 0);
                out.writeBytes(body);
            } else if (random.nextInt(3) == 0) {
                int count = 1 + random.nextInt(5);
                byte[] content = new byte[count * PAGE];
                random.nextBytes(content);
                Frames.writeHeader(
                        out,
                        FrameType.PAGES,
                        random.nextInt(65536),
                        content.length,
                        random.nextLong(1L << 40),
                        count,
                        random.nextInt());
                out.writeBytes(content);
            } else if (random.nextBoolean()) {
                byte[] body = new byte[random.nextInt(5) == 0 ? 0 : random.nextInt(3000)];
                random.nextBytes(body);
                Frames.writeBody(out, FrameType.PREPARE, random.nextLong(), body);
            } else {
                Frames.writeHeader(
                        out,
                        FrameType.ZERO,
                        random.nextInt(65536),
                        0,
                        random.nextLong(1L << 40),
                        random.nextInt(1 << 20),
                        random.nextInt());
            }
        }
        return out;
    }

    private static List<String> read(ByteBuf whole, SplittableRandom random, int largestPiece) {
        Recorder recorder = new Recorder();
        try (FrameReader reader = new FrameReader(PAGE, recorder)) {
            int at = 0;
            while (at < whole.writerIndex()) {
                int piece = Math.min(1 + random.nextInt(largestPiece), whole.writerIndex() - at);
                ByteBuf part = Unpooled.directBuffer(piece).writeBytes(whole, at, piece);
                reader.read(part);
                assertThat(part.isReadable()).isFalse();
                part.release();
                at += piece;
            }
        }
        return recorder.frames;
    }

    @Test
    void frames_areTheSame_howeverTheBytesAreSplit() {
        SplittableRandom random = Seeds.random("FrameReaderTest");
        for (int round = 0; round < 150; round++) {
            ByteBuf whole = randomFrames(random);
            List<String> expected = read(whole, random, Integer.MAX_VALUE);
            assertThat(expected).isNotEmpty();
            int all = whole.writerIndex();
            for (int largest : new int[] {7, 25, 1000, 4097, 5000, 20_000}) {
                if (largest > 20 || all < 30_000) {
                    assertThat(read(whole, random, largest)).isEqualTo(expected);
                }
            }
            whole.release();
        }
    }

    @Test
    void frames_areTheSame_byteByByte() {
        SplittableRandom random = Seeds.random("FrameReaderTest bytes");
        for (int round = 0; round < 5; round++) {
            ByteBuf whole = randomFrames(random);
            assertThat(read(whole, random, 1)).isEqualTo(read(whole, random, Integer.MAX_VALUE));
            whole.release();
        }
    }

    @Test
    void pagesWithoutWholePages_areRefused_alsoByASinkThatDoesNotCheck() {
        for (int length : new int[] {0, 1, PAGE - 1, PAGE + 1, 3 * PAGE + 24}) {
            ByteBuf in = Unpooled.directBuffer();
            Frames.writeHeader(in, FrameType.PAGES, 0, length, 0, 1, 0);
            in.writeZero(PAGE);
            try (FrameReader reader = new FrameReader(PAGE, new Recorder())) {
                assertThatThrownBy(() -> reader.read(in)).isInstanceOf(ProtocolException.class);
            }
            in.release();
        }
    }

    @Test
    void randomBytes_endInAProtocolException_orWaitForMore_andNothingElse() {
        SplittableRandom random = Seeds.random("FrameReaderTest garbage");
        for (int round = 0; round < 3000; round++) {
            byte[] bytes = new byte[random.nextInt(200)];
            random.nextBytes(bytes);
            if (bytes.length > 8 && round % 2 == 0) {
                bytes[0] = (byte) random.nextInt(27);
                bytes[1] = 0;
                bytes[4] = 0;
                bytes[5] = 0;
            }
            ByteBuf in = Unpooled.directBuffer().writeBytes(bytes);
            try (FrameReader reader = new FrameReader(PAGE, new Recorder())) {
                reader.read(in);
            } catch (ProtocolException expected) {
                assertThat(expected.getMessage()).isNotEmpty();
            }
            in.release();
        }
    }

    /** Content of frames of four pages is put together in one place; what is received may go there at once or not. */
    @Test
    void gatheredContent_isTheSame_whereverItIsReceived() {
        SplittableRandom random = Seeds.random("FrameReaderTest gathered");
        for (int round = 0; round < 300; round++) {
            ByteBuf whole = randomFrames(random);
            List<String> expected = read(whole, random, Integer.MAX_VALUE);
            ByteBuf place =
                    Unpooled.directBuffer(FrameLayout.HEADER_BYTES + 4 * PAGE, FrameLayout.HEADER_BYTES + 4 * PAGE);
            place.writerIndex(place.capacity());
            GatheringRecorder recorder = new GatheringRecorder(place);
            try (FrameReader reader = new FrameReader(PAGE, recorder)) {
                int at = 0;
                while (at < whole.writerIndex()) {
                    int index = reader.gatherIndex();
                    boolean inPlace = index >= 0 && (reader.isGathering() || random.nextBoolean());
                    ByteBuf part = inPlace
                            ? place.setIndex(index, index).retain()
                            : Unpooled.directBuffer(1 + random.nextInt(6 * PAGE));
                    int most = Math.min(part.capacity() - part.writerIndex(), whole.writerIndex() - at);
                    int piece = random.nextInt(3) == 0 ? 1 + random.nextInt(most) : most;
                    part.writeBytes(whole, at, piece);
                    reader.read(part);
                    assertThat(part.isReadable()).isFalse();
                    part.release();
                    at += piece;
                }
            }
            assertThat(recorder.frames).isEqualTo(expected);
            place.release();
            whole.release();
        }
    }

    @Test
    void contentThatIsReceivedAtItsPlace_isHandedOnFromThere() {
        ByteBuf place = Unpooled.directBuffer(FrameLayout.HEADER_BYTES + 4 * PAGE);
        place.writerIndex(FrameLayout.HEADER_BYTES + 4 * PAGE);
        GatheringRecorder recorder = new GatheringRecorder(place);
        try (FrameReader reader = new FrameReader(PAGE, recorder)) {
            for (int i = 0; i < 2; i++) {
                assertThat(reader.gatherIndex()).isZero();
                place.setIndex(0, 0);
                Frames.writeHeader(place, FrameType.PAGES, 0, 4 * PAGE, 8, 4, 0);
                place.writerIndex(FrameLayout.HEADER_BYTES + PAGE);
                reader.read(place);
                assertThat(reader.isGathering()).isTrue();
                assertThat(reader.gatherIndex()).isEqualTo(FrameLayout.HEADER_BYTES + PAGE);
                assertThat(recorder.contents).isEqualTo(i);
                place.writerIndex(FrameLayout.HEADER_BYTES + 4 * PAGE);
                reader.read(place);
                assertThat(recorder.contents).isEqualTo(i + 1);
                assertThat(reader.isGathering()).isFalse();
            }
            assertThat(recorder.address).isEqualTo(place.memoryAddress() + FrameLayout.HEADER_BYTES);
        }
        place.release();
    }

    /** Has content of four pages gathered. */
    private static final class GatheringRecorder implements FrameSink {
        private final Recorder recorder = new Recorder();
        final List<String> frames = recorder.frames;
        private final ByteBuf place;
        int contents;
        long address;

        GatheringRecorder(ByteBuf place) {
            this.place = place;
        }

        @Override
        public void frame(FrameHeader header, ByteBuf body) {
            recorder.frame(header, body);
        }

        @Override
        public void pages(FrameHeader header) {
            recorder.pages(header);
        }

        @Override
        public @Nullable ByteBuf gather(FrameHeader header) {
            return header.count() == 4 ? place : null;
        }

        @Override
        public void content(FrameHeader header, long firstPage, int count, ByteBuf bytes) {
            contents++;
            address = bytes.memoryAddress() + bytes.readerIndex();
            if (header.count() == 4) {
                assertThat(count).isEqualTo(4);
            }
            recorder.content(header, firstPage, count, bytes);
        }

        @Override
        public void encoded(FrameHeader header, ByteBuf bytes) {
            recorder.encoded(header, bytes);
        }
    }
}
