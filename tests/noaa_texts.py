"""What do a region summary and an event report of NOAA's look like?"""

SUMMARY = """\
:Product: 0621SRS.txt
:Issued: 2010 Jun 21 0045 UTC
# Prepared jointly by the U.S. Dept. of Commerce, NOAA,
#
Joint USAF/NOAA Solar Region Summary
SRS Number 172 Issued at 0030Z on 21 Jun 2010
Report compiled from data received at SWO on 20 Jun
I.  Regions with Sunspots.  Locations Valid at 20/2400Z
Nmbr Location  Lo  Area  Z   LL   NN Mag Type
1082 N27W05   305  0030 Dso  07   03 Beta-Gamma
IA. H-alpha Plages without Spots.  Locations Valid at 20/2400Z Jun
Nmbr  Location  Lo
1083  S19E35   331
II. Regions Due to Return 21 Jun to 23 Jun
Nmbr Lat    Lo
1076 S19    196
"""

REPORT = """\
:Product: 20150301events.txt
:Created: 2015 Mar 04 0357 UT
:Date: 2015 03 01
# Missing data: ////
#Event    Begin    Max       End  Obs  Q  Type  Loc/Frq   Particulars       Reg#

4080 +     0158   0210      0232  G15  5   XRA  1-8A      C1.0    1.9E-03   2290
4080       0158   0159      0211  LEA  3   FLA  N19W66    SF                2290
"""
