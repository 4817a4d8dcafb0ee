#include "train/general_text.h"

namespace pomona::train {
namespace {

constexpr std::string_view kText = R"text(
The river rises in the hills to the north and runs for about forty miles before it reaches the sea. In spring, when the snow melts, the water stands high enough to cover the lower fields, and the farmers who live there build their houses on small mounds of earth. In late summer it is often so shallow that children walk across it without wetting their knees. A stone bridge of five arches was built near the market town in the eighteenth century; it replaced a ferry that had worked there since the Middle Ages.

Photosynthesis is the process by which green plants, algae and some bacteria turn light into chemical energy. The light is absorbed by chlorophyll, which gives leaves their colour. Water taken up by the roots is split into oxygen, which leaves the plant, and hydrogen, which is combined with carbon dioxide from the air to make sugars. Almost all life on Earth depends on this process, because it is the source of most of the oxygen in the atmosphere and of nearly all the food that animals eat.

"You are late," said the old woman without looking up from her book. The boy put his bag on the table and tried to think of something that was true and would not get him into trouble. Outside, the rain had stopped, and a thin line of light lay along the roofs. "The bus did not come," he said at last. "Then you walked," said his grandmother, "and somebody who walks that far in the rain must be hungry." She closed the book and went into the kitchen.

To make a simple bread, mix five hundred grams of flour with a teaspoon of salt and seven grams of dried yeast. Add about three hundred millilitres of warm water and knead the dough for ten minutes, until it is smooth and no longer sticks to your hands. Cover it with a cloth and leave it in a warm place for an hour. Shape it into a loaf, let it rise again for half an hour, and bake it in a hot oven for thirty-five minutes. The bread is done when it sounds hollow if you tap on the bottom.

The central bank said on Thursday that it would leave its main interest rate unchanged at two and a half per cent. Inflation has fallen for six months in a row, but wages are still rising faster than prices, and the bank expects the economy to grow slowly next year. Most analysts had expected the decision. The currency lost a little ground against the dollar after the announcement, while shares of the large banks rose by about one per cent.

A triangle has three sides and three angles, and the angles always add up to one hundred and eighty degrees. If two of the sides have the same length, the angles opposite to them are equal as well. In a right triangle, the square of the longest side is the sum of the squares of the other two. This rule was known in Babylon more than a thousand years before Pythagoras, after whom it is named. If the short sides measure 3 and 4, the long one measures 5, because 9 + 16 = 25.

The museum is open every day except Monday from ten in the morning until six in the evening. Tickets cost twelve euros for adults and six euros for students; children under twelve do not pay. Guided tours in English start at eleven and at three. Please leave large bags and umbrellas at the entrance. Photographs are allowed in all rooms but the last one, where the drawings are, since light damages the paper.

In 1869 two railway lines, one built from the east and one from the west, met in the desert, and for the first time it became possible to cross the continent in a week. Before that, the journey had taken six months by wagon, or nearly as long by ship around the southern cape. Towns grew up along the line within a few years. Many of the men who had laid the rails stayed and became farmers, shopkeepers or miners; others went home with the money they had saved.

Dear Ms Keller, thank you for your letter of the fourth of March. We are sorry to hear that the lamp you ordered arrived with a broken shade. A new one was sent to you this morning and should be with you by the end of the week. You need not return the damaged part. If there is anything else that we can do for you, please write to us or call the number below. With kind regards, the customer service team.

Sound travels through air at about three hundred and forty metres per second, and more than four times as fast through water. This is why you see lightning before you hear thunder: light needs almost no time to reach you, while the sound needs three seconds for every kilometre. By counting the seconds between the flash and the noise and dividing by three, you can tell how many kilometres away the storm is.

The patient is a sixty-two-year-old man who came to the clinic because of a cough that had lasted for three weeks. He has no fever and has not lost weight. He smoked for twenty years but stopped ten years ago. His lungs are clear on both sides. We agreed that he would have an X-ray of the chest this week and come back when the result is there.

def mean(values):
    """Returns the arithmetic mean of a list of numbers."""
    if not values:
        raise ValueError("mean of an empty list")
    return sum(values) / len(values)

for name, marks in results.items():
    print(name, round(mean(marks), 2))

The team from the harbour won its third match in a row on Saturday. After a first half without goals, the captain scored with his head ten minutes before the end, and a minute later a long shot from the left made it two to nothing. "We were patient," said the coach. "They defended well for seventy minutes, and then they got tired." Next week they travel to the mountains to play against the leaders of the league.

Whales are mammals, not fish. They breathe air, are warm-blooded, and feed their young with milk. The largest of them, the blue whale, can be thirty metres long and weighs as much as twenty-five elephants; it lives on tiny animals that it filters out of the water. Others, such as the sperm whale, hunt for squid a thousand metres below the surface and can hold their breath for more than an hour.

春天来了，公园里的花都开了。早上有很多老人在湖边打太极拳，孩子们在草地上放风筝。奶奶常说，一年之计在于春，一日之计在于晨。我们每个星期天都会带着书和茶去那里坐一会儿，看看天上的云，听听树上的鸟叫。

这家公司成立于二〇〇五年，总部设在杭州，主要生产家用电器。去年它的销售额增长了百分之十二，其中一半来自海外市场。公司计划明年在南方新建一座工厂，预计可以提供八百个工作岗位。

Question: How many months have thirty days? Answer: Four months have thirty days: April, June, September and November. February has twenty-eight days, or twenty-nine in a leap year, and all the other months have thirty-one.

The law gives tenants the right to stay in their home as long as they pay the rent and keep to the contract. An owner who wants to live in the house must say so in writing at least three months before, and longer if the tenant has been there for more than five years. Disputes are heard by the district court, which may extend the time if moving would be a particular hardship, for instance because of age or illness.

Night had fallen when they reached the pass. Below them the valley lay in the dark, with one small light where the inn must be. Nobody spoke. The mules had smelled the water and went on by themselves, and for a while there was only the noise of their hooves on the stones. Then, far away, a dog began to bark, a door opened, and somebody came out with a lantern and stood there, waiting to see who would come down the mountain so late in the year.
)text";

}  // namespace

std::string_view general_text() { return kText; }

}  // namespace pomona::train
